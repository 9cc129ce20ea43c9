import Type, { type Static } from "typebox";
import type { Pin } from "../../catalog/annotations.ts";
import { PlainText } from "../plain-text.ts";
import { formatTime } from "../time-parameter.ts";
import { Hwid, Nullable, Time } from "./resource-schemas.ts";

/** A range that stays, as the API shows it. */
export const PinResource = Type.Object(
  {
    id: Type.Integer({ minimum: 1 }),
    hwid: Hwid,
    from: Time,
    to: Time,
    note: Type.String(),
    created: Time,
  },
  { $id: "Pin", additionalProperties: false },
);

/** What {@link PinResource} types. */
export type PinResource = Static<typeof PinResource>;

export const PinList = Type.Object(
  { pins: Type.Array(Type.Ref("Pin")) },
  { $id: "PinList", additionalProperties: false },
);

export const PinPage = Type.Object(
  { pins: Type.Array(Type.Ref("Pin")), next_cursor: Nullable(Type.String()) },
  { $id: "PinPage", additionalProperties: false },
);

/** A range that shall stay. */
export const NewPin = Type.Object(
  {
    from: Type.String({ maxLength: 64, description: "a time, as in queries" }),
    to: Type.String({ maxLength: 64, description: "a time, as in queries" }),
    note: Type.Optional(PlainText("why, for people", { max: 500 })),
  },
  { additionalProperties: false },
);

/** Writes a pin as the API shows it. */
export function formatPin({ id, hwid, fromMs, toMs, note, createdMs }: Pin): PinResource {
  return { id, hwid, from: formatTime(fromMs), to: formatTime(toMs), note, created: formatTime(createdMs) };
}
