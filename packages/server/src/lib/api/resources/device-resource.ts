import Type, { type Static } from "typebox";
import type { HealthState } from "../../catalog/annotations.ts";
import type { DeviceRow } from "../../catalog/catalog-reader.ts";
import { PlainText } from "../plain-text.ts";
import { formatTime } from "../time-parameter.ts";
import { Count, Hwid, NextCursor, Nullable, Time } from "./resource-schemas.ts";

const DeviceHealth = Type.Object(
  {
    condition: Type.String({ description: "such as dead, clipping or no-data: docs/events.md" }),
    since: Time,
    evidence: Type.Record(Type.String(), Type.Unknown(), { description: "numbers that show it" }),
  },
  { additionalProperties: false },
);

/** A device as the API shows it. */
export const Device = Type.Object(
  {
    hwid: Hwid,
    name: Nullable(Type.String({ description: "as a person gave it" })),
    tags: Type.Array(Type.String()),
    online: Nullable(Type.Boolean({ description: "connected at this moment; null: not known of devices without id" })),
    first_seen: Time,
    last_seen: Time,
    health: Type.Array(DeviceHealth, { description: "conditions that hold now; empty when all is well" }),
    totals: Type.Object(
      {
        sessions: Count,
        segments: Count,
        media_s: Type.Number({ minimum: 0, description: "length of the segments, gaps included, seconds" }),
        gap_s: Type.Number({ minimum: 0, description: "missing, in the segments and in front of them" }),
        bytes: Type.Integer({ minimum: 0, description: "of .bin and .wav, evicted ones included" }),
      },
      { additionalProperties: false },
    ),
    waiting: Type.Object(
      {
        files: Type.Integer({ minimum: 0, description: "that are to be uploaded, failed ones included" }),
        bytes: Type.Integer({ minimum: 0, description: "of these" }),
      },
      { additionalProperties: false },
    ),
  },
  { $id: "Device", additionalProperties: false },
);

/** What {@link Device} types. */
export type Device = Static<typeof Device>;

export const DevicePage = Type.Object(
  { devices: Type.Array(Type.Ref("Device")), next_cursor: NextCursor },
  { $id: "DevicePage", additionalProperties: false },
);

/** What of a device a person may set. */
export const DeviceChange = Type.Object(
  {
    name: Type.Optional(
      Type.Union([PlainText("name", { max: 200 }), Type.Null()], {
        description: "1 to 200 characters on one line, control characters excluded; null takes it away",
      }),
    ),
    tags: Type.Optional(
      Type.Array(PlainText("tag", { max: 64 }), {
        maxItems: 32,
        description:
          "at most 32 of 1 to 64 characters on one line, control characters excluded; they replace those it had",
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);

/** Writes a device as the API shows it. */
export function formatDevice(row: DeviceRow, isOnline: boolean | null, health: readonly HealthState[]): Device {
  return {
    hwid: row.hwid,
    name: row.name,
    tags: [...row.tags],
    online: isOnline,
    first_seen: formatTime(row.firstSeenMs),
    last_seen: formatTime(row.lastSeenMs),
    health: health.map(({ condition, sinceMs, evidence }) => ({ condition, since: formatTime(sinceMs), evidence })),
    totals: {
      sessions: row.sessionCount,
      segments: row.segmentCount,
      media_s: row.mediaMs / 1000,
      gap_s: row.gapMs / 1000,
      bytes: row.bytes,
    },
    waiting: { files: row.waitingFileCount, bytes: row.waitingBytes },
  };
}
