import type { Insertable, Selectable } from "kysely";
import { clockAheadMs } from "../kernel/clock-ahead.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { NibbleVerdict } from "./catalog.ts";
import type { AnchorsTable, DevicesTable, Flag, GapsTable, SegmentsTable, SessionsTable } from "./schema.ts";
import { sizeClass } from "./size-class.ts";
import type { SegmentSummary } from "./summary-store.ts";

/** When the segment was on the wire; recovered segments may not know, their media time stands in. */
function seenMs({ received, time }: Sidecar): { firstMs: number; lastMs: number } {
  return { firstMs: received?.first_ms ?? time.start_ms, lastMs: received?.last_ms ?? time.end_ms };
}

/** The verdict that the segment's own frames gave; configured, cached and default orders tell nothing new. [P-1.5] */
export function decidedNibbleOrder({ nibble_order }: Sidecar): NibbleVerdict | undefined {
  return nibble_order?.source === "exact" || nibble_order?.source === "statistical" ? nibble_order : undefined;
}

/** Row of the segment's device, `undefined` without an id. */
export function deviceRow(sidecar: Sidecar): Insertable<DevicesTable> | undefined {
  if (sidecar.hwid === null) return undefined;
  const { firstMs, lastMs } = seenMs(sidecar);
  const verdict = decidedNibbleOrder(sidecar);
  return {
    hwid: sidecar.hwid,
    first_seen_ms: firstMs,
    last_seen_ms: lastMs,
    nibble_order: verdict?.order ?? null,
    nibble_source: verdict?.source ?? null,
    nibble_seen_ms: verdict === undefined ? null : lastMs,
  };
}

type SessionFacts = Omit<Insertable<SessionsTable>, "hwid" | "ended_ms" | "start_warning"> &
  Pick<Selectable<SessionsTable>, "hwid" | "ended_ms" | "start_warning">;

/** Close reasons that tell that nobody sent any more. */
const endReasons: readonly Sidecar["close_reason"][] = ["session-ended", "disconnected"];

/**
 * Row of the segment's session. The last segment tells that it ended.
 *
 * @param lostReceiptMs - stands for the last sign of life where a crash lost the time of receipt
 */
export function sessionRow(sidecar: Sidecar, lostReceiptMs: number): SessionFacts {
  const { audio, time } = sidecar;
  return {
    session: sidecar.session,
    hwid: sidecar.hwid,
    stream_id: sidecar.stream_id,
    codec: audio.codec,
    sample_rate_hz: audio.sample_rate_hz,
    channels: audio.channels,
    frame_samples: audio.frame_samples,
    start_ms: time.session_start_ms,
    start_rule: time.rule,
    device_start_ms: time.device_start_ms,
    server_start_ms: time.server_start_ms,
    ended_ms: endReasons.includes(sidecar.close_reason) ? seenMs(sidecar).lastMs : null,
    acked: ackedFlag(sidecar),
    start_warning: time.warning,
    last_active_ms: sidecar.received?.last_ms ?? lostReceiptMs,
  };
}

function ackedFlag({ acked }: Sidecar): Flag {
  return acked === true ? 1 : 0;
}

/** Row of the segment itself. */
export function segmentRow({
  sidecar,
  folder,
  sidecarBytes,
  sidecarSha256,
}: FinishedSegment): Insertable<SegmentsTable> {
  const { files, levels, time } = sidecar;
  return {
    session: sidecar.session,
    idx: sidecar.index,
    hwid: sidecar.hwid,
    stream_id: sidecar.stream_id,
    name: sidecar.name,
    folder,
    start_ms: time.start_ms,
    end_ms: time.end_ms,
    start_sample: sidecar.start_sample,
    samples: sidecar.samples,
    wav_samples: sidecar.wav_samples,
    frames: sidecar.frames,
    duplicates: sidecar.duplicates,
    first_seq: sidecar.first_seq,
    last_seq: sidecar.last_seq,
    nibble_order: sidecar.nibble_order?.order ?? null,
    nibble_source: sidecar.nibble_order?.source ?? null,
    gap_samples: sidecar.gaps.reduce((sum, gap) => sum + gap.samples, 0),
    peak_dbfs: levels?.peak_dbfs ?? null,
    rms_dbfs: levels?.rms_dbfs ?? null,
    silent_share: levels?.silent_share ?? null,
    clipped_samples: levels?.clipped_samples ?? null,
    bin_bytes: files.bin.bytes,
    bin_sha256: files.bin.sha256,
    wav_bytes: files.wav?.bytes ?? null,
    wav_sha256: files.wav?.sha256 ?? null,
    json_bytes: sidecarBytes,
    json_sha256: sidecarSha256,
    recovered: sidecar.recovered ? 1 : 0,
    close_reason: sidecar.close_reason,
    acked: ackedFlag(sidecar),
    drift_ppm: sidecar.drift_ppm,
    dropped_duplicates: sidecar.dropped_duplicates ?? 0,
    dc_offset: levels?.dc_offset ?? null,
    clock_ahead_ms: clockAheadMs(time),
  };
}

/**
 * The segment as totals and roll-ups count it: what {@link SummaryStore.read} would give.
 *
 * @param row - of {@link segmentRow}
 * @param gaps - of {@link gapRows}
 */
export function summaryOf(
  row: Insertable<SegmentsTable>,
  gaps: readonly Insertable<GapsTable>[],
  sampleRateHz: number,
): Omit<SegmentSummary, "id"> {
  return {
    device: row.hwid ?? "",
    streamId: row.stream_id,
    session: row.session,
    index: row.idx,
    startMs: row.start_ms,
    endMs: row.end_ms,
    peakDbfs: row.peak_dbfs ?? null,
    rmsDbfs: row.rms_dbfs ?? null,
    clippedSampleCount: row.clipped_samples ?? null,
    endSample: row.start_sample + row.samples,
    gapSampleCount: row.gap_samples,
    gapMs: (row.gap_samples * 1000) / sampleRateHz,
    bytes: row.bin_bytes + (row.wav_bytes ?? 0),
    driftPpm: row.drift_ppm ?? null,
    gaps: gaps.map(({ start_ms, duration_ms = 0, cause }) => ({ startMs: start_ms, durationMs: duration_ms, cause })),
  };
}

/** Rows of the segment's gaps. */
export function gapRows(segmentId: number, sidecar: Sidecar): Insertable<GapsTable>[] {
  const { audio, gaps, time, hwid, stream_id } = sidecar;
  const durationMs = ({ samples }: Sidecar["gaps"][number]) => (samples / audio.sample_rate_hz) * 1000;
  return gaps.map((gap, idx) => ({
    segment_id: segmentId,
    idx,
    from_seq: gap.from_seq,
    to_seq: gap.to_seq,
    start_sample: gap.start_sample,
    sample_count: gap.samples,
    cause: gap.cause,
    start_ms: time.session_start_ms + (gap.start_sample / audio.sample_rate_hz) * 1000,
    hwid,
    stream_id,
    duration_ms: durationMs(gap),
    size_class: sizeClass(durationMs(gap)),
  }));
}

/** Rows of the segment's anchors. */
export function anchorRows(segmentId: number, { anchors }: Sidecar): Insertable<AnchorsTable>[] {
  return anchors.map((anchor, idx) => ({ segment_id: segmentId, idx, ...anchor }));
}
