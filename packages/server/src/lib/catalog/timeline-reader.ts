import type { Database, Statement } from "better-sqlite3";
import type { GapRow, Timeline, TimelineBucket, TimelineRequest } from "./catalog-reader.ts";
import { addRollUps, type GapSpan, type RollUp, rollUpLengthsMs, type SegmentSpan, shareOut } from "./roll-ups.ts";
import { gapRowSql } from "./segment-reader.ts";
import { longestOfClassMs, maxSizeClass } from "./size-class.ts";
import { gapSpansSql } from "./summary-store.ts";

/** Buckets of one time line at most. */
const maxBucketCount = 2_000;

/** Segments that buckets finer than the finest roll-up are made from at most. */
const maxSegmentCount = 2_500;

/** Gaps of one time line at most. */
const maxGapCount = 1_000;

interface Place {
  readonly hwid: string | null;
  readonly device: string;
  readonly streamId: number | null;
  readonly fromMs: number;
  readonly toMs: number;
}

interface RollUpRange extends Place {
  readonly lengthMs: number;
}

interface SumRange extends RollUpRange {
  /** Length of the buckets that are wanted. */
  readonly chosenMs: number;
}

interface ClassRange extends Place {
  readonly sizeClass: number;
  readonly lowMs: number;
  readonly limit: number;
}

interface Statements {
  readonly rollUps: Statement<[SumRange], RollUp>;
  readonly countSegments: Statement<[RollUpRange], number | null>;
  readonly segments: Statement<
    [Place],
    Omit<SegmentSpan, "gaps"> & { readonly id: number; readonly gapSamples: number }
  >;
  readonly gapSpans: Statement<[segmentId: number], GapSpan>;
  readonly gaps: Statement<[ClassRange], GapRow>;
}

// A year of hours is added up by SQLite: to hand over each row would take several times as long.
function sumSql(condition: string): string {
  return `
    SELECT start_ms - (start_ms % @chosenMs + @chosenMs) % @chosenMs AS bucketMs, sum(covered_ms) AS coveredMs,
      sum(not_received_ms) AS notReceivedMs, sum(device_dropped_ms) AS deviceDroppedMs,
      sum(storage_failed_ms) AS storageFailedMs, max(peak_dbfs) AS peakDbfs, sum(energy) AS energy,
      sum(level_ms) AS levelMs, sum(clipped_samples) AS clippedSampleCount, sum(segments) AS segmentCount
    FROM roll_ups WHERE ${condition} GROUP BY 1 ORDER BY 1`;
}

function prepare(sqlite: Database): Statements {
  const ofStream = "(@streamId IS NULL OR stream_id = @streamId)";
  const inRange = "device = @device AND length_ms = @lengthMs AND start_ms >= @fromMs AND start_ms < @toMs";
  return {
    rollUps: sqlite.prepare(sumSql(`${inRange} AND ${ofStream}`)),
    countSegments: sqlite
      .prepare<[RollUpRange], number | null>(`SELECT sum(segments) FROM roll_ups WHERE ${inRange} AND ${ofStream}`)
      .pluck(),
    segments: sqlite.prepare(`
      SELECT id, start_ms AS startMs, end_ms AS endMs, peak_dbfs AS peakDbfs, rms_dbfs AS rmsDbfs,
        clipped_samples AS clippedSampleCount, gap_samples AS gapSamples
      FROM segments INDEXED BY segments_by_device
      WHERE hwid IS @hwid AND start_ms < @toMs AND end_ms >= @fromMs AND ${ofStream}
        AND start_ms >= @fromMs - coalesce((SELECT longest_ms FROM device_totals WHERE device = @device), 0)
      ORDER BY start_ms`),
    gapSpans: sqlite.prepare(gapSpansSql),
    gaps: sqlite.prepare(`
      SELECT ${gapRowSql} FROM gaps INDEXED BY gaps_by_device JOIN segments ON segments.id = segment_id
      WHERE gaps.hwid IS @hwid AND size_class = @sizeClass AND gaps.start_ms >= @lowMs AND gaps.start_ms < @toMs
        AND gaps.start_ms + duration_ms > @fromMs AND (@streamId IS NULL OR gaps.stream_id = @streamId)
      ORDER BY gaps.start_ms LIMIT @limit`),
  };
}

/** Reads time lines: from roll-ups, and the finest ones from the segments themselves. */
export class TimelineReader {
  readonly #statements: Statements;

  constructor(sqlite: Database) {
    this.#statements = prepare(sqlite);
  }

  /** See `CatalogReader.timeline`. */
  timeline({ hwid, streamId, fromMs, toMs, resolutionMs }: TimelineRequest): Timeline {
    const place = { hwid, device: hwid ?? "", streamId: streamId ?? null };
    const chosenMs = this.#chooseResolution({ ...place, fromMs, toMs }, resolutionMs);
    const outer = {
      fromMs: Math.floor(fromMs / chosenMs) * chosenMs,
      toMs: Math.ceil(toMs / chosenMs) * chosenMs,
    };
    const parts =
      chosenMs < rollUpLengthsMs[0]
        ? this.#partsOfSegments({ ...place, ...outer }, chosenMs)
        : this.#statements.rollUps.all({ ...place, ...outer, chosenMs, lengthMs: rollUpFor(chosenMs) });
    const gaps = this.#longestGaps({ ...place, fromMs, toMs });
    return {
      resolutionMs: chosenMs,
      buckets: gather(parts, chosenMs, outer.fromMs, outer.toMs),
      gaps: gaps.slice(0, maxGapCount).sort((a, b) => a.startMs - b.startMs),
      hasMoreGaps: gaps.length > maxGapCount,
    };
  }

  #chooseResolution(place: Place, wishedMs: number): number {
    const lengthMs = Math.max(1, Math.ceil(Math.max(wishedMs, (place.toMs - place.fromMs) / (maxBucketCount - 1))));
    const [finestMs] = rollUpLengthsMs;
    if (lengthMs < finestMs && this.#countSegments(place) <= maxSegmentCount) return lengthMs;
    // The longest roll-up that a bucket may be made of without being much longer than wished.
    const unitMs = rollUpLengthsMs.findLast((unit) => unit <= lengthMs) ?? finestMs;
    return Math.ceil(lengthMs / unitMs) * unitMs;
  }

  #countSegments({ fromMs, toMs, ...place }: Place): number {
    const [lengthMs] = rollUpLengthsMs;
    const outer = { fromMs: Math.floor(fromMs / lengthMs) * lengthMs, toMs };
    return this.#statements.countSegments.get({ ...place, ...outer, lengthMs }) ?? 0;
  }

  *#partsOfSegments(place: Place, lengthMs: number): Generator<RollUp> {
    for (const segment of this.#statements.segments.all(place)) {
      const gaps = segment.gapSamples > 0 ? this.#statements.gapSpans.all(segment.id) : [];
      yield* shareOut({ ...segment, gaps }, lengthMs);
    }
  }

  /** One more than a time line takes, when there are more: class by class, from the longest. */
  #longestGaps(place: Place): GapRow[] {
    const found: GapRow[] = [];
    for (let sizeClass = maxSizeClass; sizeClass >= 0 && found.length <= maxGapCount; sizeClass--) {
      const lowMs = place.fromMs - longestOfClassMs(sizeClass);
      found.push(...this.#statements.gaps.all({ ...place, sizeClass, lowMs, limit: maxGapCount + 1 - found.length }));
    }
    return found;
  }
}

/** The longest roll-up that buckets of this length are made of. */
function rollUpFor(lengthMs: number): number {
  return rollUpLengthsMs.findLast((unit) => lengthMs % unit === 0) ?? rollUpLengthsMs[0];
}

function gather(parts: Iterable<RollUp>, lengthMs: number, fromMs: number, toMs: number): TimelineBucket[] {
  const sums = new Map<number, RollUp>();
  for (const part of parts) {
    const bucketMs = Math.floor(part.bucketMs / lengthMs) * lengthMs;
    if (bucketMs < fromMs || bucketMs >= toMs) continue;
    const sum = sums.get(bucketMs);
    sums.set(bucketMs, sum === undefined ? { ...part, bucketMs } : addRollUps(sum, part));
  }
  return [...sums.values()].sort((a, b) => a.bucketMs - b.bucketMs).map(toBucket);
}

function toBucket(sum: RollUp): TimelineBucket {
  return {
    startMs: sum.bucketMs,
    coveredMs: sum.coveredMs,
    gapMs: {
      "not-received": sum.notReceivedMs,
      "device-dropped": sum.deviceDroppedMs,
      "storage-failed": sum.storageFailedMs,
    },
    peakDbfs: sum.peakDbfs,
    rmsDbfs: sum.levelMs > 0 ? 10 * Math.log10(sum.energy / sum.levelMs) : null,
    clippedSampleCount: Math.round(sum.clippedSampleCount),
    segmentCount: sum.segmentCount,
  };
}
