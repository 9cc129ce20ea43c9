import Type, { type TSchema } from "typebox";

/** A moment in an answer. */
export const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC, with ms" });

export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const Count = Type.Integer({ minimum: 0 });

/** `null`: recorded without an id. */
export const Hwid = Nullable(Type.String({ description: "id of the device; null: recorded without one" }));

/** Place behind a page. */
export const NextCursor = Nullable(Type.String({ description: "cursor of the next page; null on the last one" }));

export const Format = Type.Object(
  {
    codec: Type.Enum(["pcm16", "adpcm"]),
    sample_rate_hz: Type.Integer(),
    channels: Type.Integer({ minimum: 1, maximum: 8 }),
    frame_samples: Type.Integer({ minimum: 0, description: "samples per channel in a full frame, 0 = varies" }),
  },
  { $id: "Format", additionalProperties: false },
);
