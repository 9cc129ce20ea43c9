import Type, { type Static } from "typebox";
import type { SessionRow } from "../../catalog/catalog-reader.ts";
import type { RecordFormat } from "../../kernel/segment-record.ts";
import { formatTime, formatTimeOrNull } from "../time-parameter.ts";
import { Count, type Format, Hwid, NextCursor, Nullable, Time } from "./resource-schemas.ts";

/** A session as the API shows it. */
export const Session = Type.Object(
  {
    session: Type.String(),
    hwid: Hwid,
    stream_id: Count,
    format: Type.Ref("Format"),
    start: Time,
    start_rule: Type.Enum(["device-synced", "device-unverified", "server-arrival"]),
    start_warning: Nullable(Type.Enum(["probably-seconds", "out-of-range"])),
    ended: Nullable(Time),
    acked: Type.Boolean({ description: "recorded with acknowledgements (eet.v1+ack)" }),
    segments: Count,
    samples: Type.Integer({ minimum: 0, description: "per channel, to the end of the last closed segment" }),
    gap_samples: Type.Integer({ minimum: 0, description: "of these, missing" }),
    drift_ppm: Nullable(Type.Number({ description: "how much faster than declared the device samples" })),
  },
  { $id: "Session", additionalProperties: false },
);

/** What {@link Session} types. */
export type Session = Omit<Static<typeof Session>, "format"> & { readonly format: Static<typeof Format> };

export const SessionPage = Type.Object(
  { sessions: Type.Array(Type.Ref("Session")), next_cursor: NextCursor },
  { $id: "SessionPage", additionalProperties: false },
);

/** Writes a session as the API shows it. */
export function formatSession(row: SessionRow): Session {
  return {
    session: row.session,
    hwid: row.hwid,
    stream_id: row.streamId,
    format: formatFormat(row.format),
    start: formatTime(row.startMs),
    start_rule: row.startRule,
    start_warning: row.startWarning,
    ended: formatTimeOrNull(row.endedMs),
    acked: row.isAcked,
    segments: row.segmentCount,
    samples: row.sampleCount,
    gap_samples: row.gapSampleCount,
    drift_ppm: row.driftPpm,
  };
}

/** Writes a format as the API shows it. */
export function formatFormat(format: RecordFormat): Static<typeof Format> {
  return {
    codec: format.codec,
    sample_rate_hz: format.sampleRateHz,
    channels: format.channels,
    frame_samples: format.frameSampleCount,
  };
}
