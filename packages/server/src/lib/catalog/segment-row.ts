import type { SegmentPlace, SegmentRow } from "./catalog-reader.ts";
import type { Flag } from "./schema.ts";
import type { UploadState } from "./upload-queue.ts";

interface FormatColumns {
  readonly codec: SegmentRow["format"]["codec"];
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly frameSampleCount: number;
  readonly hasGaps: Flag;
}

/** A place as {@link segmentPlaceSql} gives it. */
export type SegmentPlaceColumns = Omit<SegmentPlace, "format" | "hasGaps"> & FormatColumns;

/** A segment as {@link segmentRowSql} gives it. */
export interface SegmentRowColumns
  extends Omit<SegmentRow, "format" | "hasGaps" | "isRecovered" | "isStored" | "isPinned" | "uploadState">,
    FormatColumns {
  readonly isRecovered: Flag;
  readonly isStored: Flag;
  readonly isPinned: Flag;
  readonly worstUpload: number;
}

/** Upload states by the number that stands for them in the catalogue; the highest of a segment's counts. */
export const uploadStateRanks: readonly (UploadState | "none")[] = ["none", "stored", "pending", "uploading", "failed"];

/** Columns of {@link SegmentPlaceColumns} of `segments` joined with `sessions`. Nothing of it is looked for elsewhere. */
export const segmentPlaceSql = `
  segments.id, segments.session, segments.stream_id AS streamId, segments.name, segments.folder, codec,
  sample_rate_hz AS sampleRateHz, channels, frame_samples AS frameSampleCount, segments.start_ms AS startMs,
  segments.end_ms AS endMs, sessions.start_ms AS sessionStartMs, start_sample AS startSample, samples AS sampleCount,
  wav_samples AS wavSampleCount, segments.gap_samples > 0 AS hasGaps, evicted_ms AS evictedMs`;

/**
 * Columns of {@link SegmentRowColumns} of `segments` joined with `sessions`. `gap_samples` counts the gap in front of the
 * segment too, which is not part of it.
 */
export const segmentRowSql = `${segmentPlaceSql},
  segments.idx AS "index", segments.hwid,
  iif(segments.gap_samples = 0, 0, (SELECT coalesce(sum(sample_count), 0) FROM gaps
    WHERE gaps.segment_id = segments.id AND gaps.start_sample >= segments.start_sample)) AS gapSampleCount,
  frames AS frameCount, duplicates AS duplicateCount, first_seq AS firstSeq, last_seq AS lastSeq,
  peak_dbfs AS peakDbfs, rms_dbfs AS rmsDbfs, silent_share AS silentShare, clipped_samples AS clippedSampleCount,
  segments.drift_ppm AS driftPpm, recovered AS isRecovered, close_reason AS closeReason, is_stored AS isStored,
  iif(upload_state = 0, EXISTS (SELECT 1 FROM uploads WHERE segment_id = segments.id), upload_state) AS worstUpload,
  EXISTS (SELECT 1 FROM pins WHERE device = coalesce(segments.hwid, '') AND from_ms < segments.end_ms
    AND to_ms > segments.start_ms) AS isPinned`;

/** The place as callers get it. */
export function toSegmentPlace(columns: SegmentPlaceColumns): SegmentPlace {
  const { codec, sampleRateHz, channels, frameSampleCount, ...place } = columns;
  return { ...place, format: { codec, sampleRateHz, channels, frameSampleCount }, hasGaps: place.hasGaps === 1 };
}

/** The row as callers get it. */
export function toSegmentRow(columns: SegmentRowColumns): SegmentRow {
  const { codec, sampleRateHz, channels, frameSampleCount, worstUpload, ...row } = columns;
  return {
    ...row,
    format: { codec, sampleRateHz, channels, frameSampleCount },
    hasGaps: row.hasGaps === 1,
    isRecovered: row.isRecovered === 1,
    isStored: row.isStored === 1,
    isPinned: row.isPinned === 1,
    uploadState: uploadStateRanks[worstUpload] ?? "none",
  };
}
