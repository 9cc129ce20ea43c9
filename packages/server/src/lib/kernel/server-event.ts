import Type, { type Static } from "typebox";

/** What happened, by the name that receivers see. */
export const eventTypes = [
  "segment.closed",
  "segment.stored",
  "segment.deleted",
  "session.started",
  "session.ended",
  "session.resumed",
  "gap.detected",
  "device.online",
  "device.offline",
  "health.changed",
  "storage.low",
] as const;

/** One of {@link eventTypes}. */
export type EventType = (typeof eventTypes)[number];

/** An event as receivers get it: by SSE, by webhook and from the event log. Field names stand as on the wire. */
export const ServerEvent = Type.Object(
  {
    id: Type.Integer({ minimum: 1, description: "grows with each event; the cursor" }),
    type: Type.Enum([...eventTypes]),
    time: Type.String({ format: "date-time", description: "when it was written, UTC" }),
    hwid: Type.Union([Type.String(), Type.Null()], {
      description: "device it is about; null: none, or one without id",
    }),
    data: Type.Record(Type.String(), Type.Unknown(), { description: "facts, by type: docs/events.md" }),
  },
  { $id: "Event", additionalProperties: false },
);

/** A parsed {@link ServerEvent}. */
export type ServerEvent = Static<typeof ServerEvent>;

/** An event that is still to be written: the log gives it its id and time. */
export type NewEvent = Pick<ServerEvent, "type" | "hwid" | "data">;
