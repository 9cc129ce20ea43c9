import type { Database, Statement } from "better-sqlite3";
import { addRollUps, type GapSpan, type RollUp, rollUpLengthsMs, type SegmentSpan, shareOut } from "./roll-ups.ts";

/** A segment and where its roll-ups belong. */
export interface PlacedSpan extends SegmentSpan {
  /** hwid, '' for none. */
  readonly device: string;
  readonly streamId: number;
}

/** A roll-up with its place, as its table has it. */
export interface RollUpRow extends RollUp {
  readonly device: string;
  readonly lengthMs: number;
  readonly streamId: number;
}

interface Range {
  readonly device: string;
  readonly lengthMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Columns of a {@link RollUp}. */
export const rollUpSql = `
  start_ms AS bucketMs, covered_ms AS coveredMs, not_received_ms AS notReceivedMs, device_dropped_ms AS deviceDroppedMs,
  storage_failed_ms AS storageFailedMs, peak_dbfs AS peakDbfs, energy, level_ms AS levelMs,
  clipped_samples AS clippedSampleCount, segments AS segmentCount`;

/** Adds a {@link RollUpRow} to what its bucket knows. */
export const addRollUpSql = `
  INSERT INTO roll_ups (device, length_ms, start_ms, stream_id, covered_ms, not_received_ms, device_dropped_ms,
    storage_failed_ms, peak_dbfs, energy, level_ms, clipped_samples, segments)
  VALUES (@device, @lengthMs, @bucketMs, @streamId, @coveredMs, @notReceivedMs, @deviceDroppedMs,
    @storageFailedMs, @peakDbfs, @energy, @levelMs, @clippedSampleCount, @segmentCount)
  ON CONFLICT (device, length_ms, start_ms, stream_id) DO UPDATE SET
    covered_ms = covered_ms + excluded.covered_ms,
    not_received_ms = not_received_ms + excluded.not_received_ms,
    device_dropped_ms = device_dropped_ms + excluded.device_dropped_ms,
    storage_failed_ms = storage_failed_ms + excluded.storage_failed_ms,
    peak_dbfs = max(coalesce(peak_dbfs, excluded.peak_dbfs), coalesce(excluded.peak_dbfs, peak_dbfs)),
    energy = energy + excluded.energy,
    level_ms = level_ms + excluded.level_ms,
    clipped_samples = clipped_samples + excluded.clipped_samples,
    segments = segments + excluded.segments`;

/** Keeps the roll-ups of time lines. Each method belongs inside the transaction of the change. */
export class RollUpStore {
  readonly #add: Statement<[RollUpRow]>;
  readonly #drop: Statement<[Range]>;
  readonly #rows: Statement<[Range], RollUp & { readonly streamId: number }>;
  readonly #segments: Statement<[Omit<Range, "lengthMs">], Omit<PlacedSpan, "gaps"> & { readonly id: number }>;
  readonly #gaps: Statement<[segmentId: number], GapSpan>;

  constructor(sqlite: Database) {
    const inRange = "device = @device AND length_ms = @lengthMs AND start_ms >= @fromMs AND start_ms < @toMs";
    this.#add = sqlite.prepare(addRollUpSql);
    this.#drop = sqlite.prepare(`DELETE FROM roll_ups WHERE ${inRange}`);
    this.#rows = sqlite.prepare(`SELECT stream_id AS streamId, ${rollUpSql} FROM roll_ups WHERE ${inRange}`);
    this.#segments = sqlite.prepare(`
      SELECT id, @device AS device, stream_id AS streamId, start_ms AS startMs, end_ms AS endMs, peak_dbfs AS peakDbfs,
        rms_dbfs AS rmsDbfs, clipped_samples AS clippedSampleCount
      FROM segments INDEXED BY segments_by_device
      WHERE hwid IS nullif(@device, '') AND start_ms < @toMs AND end_ms >= @fromMs
        AND start_ms >= @fromMs - (SELECT longest_ms FROM device_totals WHERE device_totals.device = @device)`);
    this.#gaps = sqlite.prepare(
      "SELECT start_ms AS startMs, duration_ms AS durationMs, cause FROM gaps WHERE segment_id = ?",
    );
  }

  /** Adds a new segment's share to its buckets. */
  add(segment: PlacedSpan): void {
    for (const lengthMs of rollUpLengthsMs) this.#addParts(segment, lengthMs, shareOut(segment, lengthMs));
  }

  /** Makes the buckets anew that these segments lie in, from what the catalogue has now. */
  recompute(touched: readonly PlacedSpan[]): void {
    const [finest, ...coarser] = rollUpLengthsMs;
    for (const [device, buckets] of bucketsByDevice(touched, finest)) {
      for (const bucketMs of buckets) this.#recomputeFinest(device, bucketMs, finest);
      let below: Iterable<number> = buckets;
      let belowMs: number = finest;
      for (const lengthMs of coarser) {
        const above = new Set([...below].map((bucketMs) => Math.floor(bucketMs / lengthMs) * lengthMs));
        for (const bucketMs of above) this.#gather(device, bucketMs, lengthMs, belowMs);
        below = above;
        belowMs = lengthMs;
      }
    }
  }

  #addParts({ device, streamId }: Pick<PlacedSpan, "device" | "streamId">, lengthMs: number, parts: RollUp[]): void {
    for (const part of parts) this.#add.run({ ...part, device, streamId, lengthMs });
  }

  #recomputeFinest(device: string, bucketMs: number, lengthMs: number): void {
    const range = { device, fromMs: bucketMs, toMs: bucketMs + lengthMs };
    this.#drop.run({ ...range, lengthMs });
    for (const segment of this.#segments.all(range)) {
      const parts = shareOut({ ...segment, gaps: this.#gaps.all(segment.id) }, lengthMs);
      this.#addParts(
        segment,
        lengthMs,
        parts.filter((part) => part.bucketMs === bucketMs),
      );
    }
  }

  /** Makes a bucket from the shorter ones in it. */
  #gather(device: string, bucketMs: number, lengthMs: number, belowMs: number): void {
    const range = { device, fromMs: bucketMs, toMs: bucketMs + lengthMs };
    const byStream = new Map<number, RollUp>();
    for (const { streamId, ...row } of this.#rows.all({ ...range, lengthMs: belowMs })) {
      const sum = byStream.get(streamId);
      byStream.set(streamId, sum === undefined ? { ...row, bucketMs } : addRollUps(sum, row));
    }
    this.#drop.run({ ...range, lengthMs });
    for (const [streamId, sum] of byStream) this.#addParts({ device, streamId }, lengthMs, [sum]);
  }
}

function bucketsByDevice(touched: readonly PlacedSpan[], lengthMs: number): Map<string, Set<number>> {
  const byDevice = new Map<string, Set<number>>();
  for (const segment of touched) {
    const buckets = byDevice.get(segment.device) ?? new Set();
    for (const { bucketMs } of shareOut({ ...segment, gaps: [] }, lengthMs)) buckets.add(bucketMs);
    byDevice.set(segment.device, buckets);
  }
  return byDevice;
}
