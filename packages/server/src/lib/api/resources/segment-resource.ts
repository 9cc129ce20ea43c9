import Type, { type Static } from "typebox";
import type { GapRow, SegmentDetails, SegmentRow } from "../../catalog/catalog-reader.ts";
import { formatTime, formatTimeOrNull } from "../time-parameter.ts";
import { Count, type Format, Hwid, NextCursor, Nullable, Time } from "./resource-schemas.ts";
import { formatFormat } from "./session-resource.ts";

/** States that segments can be listed by. */
export const uploadStateNames = ["none", "pending", "uploading", "stored", "failed"] as const;

const segmentFields = {
  id: Type.Integer({ minimum: 1 }),
  session: Type.String(),
  index: Type.Integer({ minimum: 0, description: "counts the session's segments" }),
  hwid: Hwid,
  stream_id: Count,
  name: Type.String({ description: "of its files, without ending" }),
  folder: Type.String({ description: "of its files, below data/received" }),
  format: Type.Ref("Format"),
  start: Time,
  end: Time,
  start_sample: Type.Integer({ minimum: 0, description: "position in the session, samples per channel" }),
  samples: Type.Integer({ minimum: 0, description: "per channel, gaps included" }),
  wav_samples: Nullable(Type.Integer({ minimum: 0, description: "per channel in the .wav; null: there is none" })),
  gap_samples: Type.Integer({ minimum: 0, description: "of these, missing" }),
  frames: Count,
  duplicates: Count,
  first_seq: Type.Integer(),
  last_seq: Type.Integer(),
  peak_dbfs: Nullable(Type.Number()),
  rms_dbfs: Nullable(Type.Number()),
  silent_share: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  clipped_samples: Nullable(Count),
  drift_ppm: Nullable(Type.Number()),
  recovered: Type.Boolean({ description: "closed after a crash" }),
  close_reason: Type.String(),
  upload_state: Type.Enum([...uploadStateNames], { description: "worst of its files; none: nothing was queued" }),
  stored: Type.Boolean({ description: "all that was queued of it is verified in the object store" }),
  evicted: Nullable(Time),
  pinned: Type.Boolean(),
};

/** A segment as lists show it. */
export const Segment = Type.Object(segmentFields, { $id: "Segment", additionalProperties: false });

/** What {@link Segment} types. */
export type Segment = Omit<Static<typeof Segment>, "format"> & { readonly format: Static<typeof Format> };

/** A gap as the API shows it. */
export const Gap = Type.Object(
  {
    session: Type.String(),
    segment_id: Type.Integer(),
    stream_id: Count,
    start: Time,
    duration_s: Type.Number({ minimum: 0 }),
    cause: Type.Enum(["not-received", "device-dropped", "storage-failed"]),
    from_seq: Type.Integer(),
    to_seq: Type.Integer(),
    start_sample: Type.Integer(),
    samples: Count,
  },
  { $id: "Gap", additionalProperties: false },
);

const fileKind = Type.Enum(["bin", "wav", "json"]);

/** A segment with its files, uploads and gaps. */
export const SegmentWithFiles = Type.Object(
  {
    ...segmentFields,
    files: Type.Array(
      Type.Object(
        {
          kind: fileKind,
          bytes: Count,
          sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
          url: Type.String({ description: "path on this server" }),
        },
        { additionalProperties: false },
      ),
    ),
    uploads: Type.Array(
      Type.Object(
        {
          kind: fileKind,
          state: Type.Enum(["pending", "uploading", "stored", "failed"]),
          attempts: Count,
          reason: Nullable(Type.String()),
          key: Nullable(Type.String()),
          stored: Nullable(Time),
        },
        { additionalProperties: false },
      ),
    ),
    gaps: Type.Array(Type.Ref("Gap")),
  },
  { $id: "SegmentDetails", additionalProperties: false },
);

export const SegmentPage = Type.Object(
  { segments: Type.Array(Type.Ref("Segment")), next_cursor: NextCursor },
  { $id: "SegmentPage", additionalProperties: false },
);

/** Writes a segment as lists show it. */
export function formatSegment(row: SegmentRow): Segment {
  return {
    id: row.id,
    session: row.session,
    index: row.index,
    hwid: row.hwid,
    stream_id: row.streamId,
    name: row.name,
    folder: row.folder,
    format: formatFormat(row.format),
    start: formatTime(row.startMs),
    end: formatTime(row.endMs),
    start_sample: row.startSample,
    samples: row.sampleCount,
    wav_samples: row.wavSampleCount,
    gap_samples: row.gapSampleCount,
    frames: row.frameCount,
    duplicates: row.duplicateCount,
    first_seq: row.firstSeq,
    last_seq: row.lastSeq,
    peak_dbfs: row.peakDbfs,
    rms_dbfs: row.rmsDbfs,
    silent_share: row.silentShare,
    clipped_samples: row.clippedSampleCount,
    drift_ppm: row.driftPpm,
    recovered: row.isRecovered,
    close_reason: row.closeReason,
    upload_state: row.uploadState,
    stored: row.isStored,
    evicted: formatTimeOrNull(row.evictedMs),
    pinned: row.isPinned,
  };
}

/** Writes a segment with all that hangs on it. */
export function formatSegmentDetails(details: SegmentDetails) {
  return {
    ...formatSegment(details),
    files: details.files.map(({ kind, bytes, sha256 }) => ({
      ...{ kind, bytes, sha256 },
      url: `/api/v1/segments/${details.id}/files/${kind}`,
    })),
    uploads: details.uploads.map(({ kind, state, attempts, reason, key, storedMs }) => ({
      ...{ kind, state, attempts, reason, key },
      stored: formatTimeOrNull(storedMs),
    })),
    gaps: details.gaps.map(formatGap),
  };
}

/** Writes a gap as the API shows it. */
export function formatGap(gap: GapRow): Static<typeof Gap> {
  return {
    session: gap.session,
    segment_id: gap.segmentId,
    stream_id: gap.streamId,
    start: formatTime(gap.startMs),
    duration_s: gap.durationMs / 1000,
    cause: gap.cause,
    from_seq: gap.fromSeq,
    to_seq: gap.toSeq,
    start_sample: gap.startSample,
    samples: gap.sampleCount,
  };
}
