import type { GapRecord } from "../kernel/segment-record.ts";

/** Lengths of the buckets that are kept, ms, each a multiple of the one before: 5 minutes, an hour, a day. */
export const rollUpLengthsMs = [300_000, 3_600_000, 86_400_000] as const;

/** Longest part of a segment that is shared out: no segment of 2 GiB is longer, but a broken sidecar may say so. */
const maxSpanMs = 7 * 86_400_000;

/** A gap on the wall clock. */
export interface GapSpan {
  readonly startMs: number;
  readonly durationMs: number;
  readonly cause: GapRecord["cause"];
}

/** A segment as far as a timeline shows it. */
export interface SegmentSpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly peakDbfs: number | null;
  readonly rmsDbfs: number | null;
  readonly clippedSampleCount: number | null;
  readonly gaps: readonly GapSpan[];
}

/** What a bucket knows. */
export interface RollUp {
  /** Start of the bucket, ms since 1970. */
  readonly bucketMs: number;
  readonly coveredMs: number;
  readonly notReceivedMs: number;
  readonly deviceDroppedMs: number;
  readonly storageFailedMs: number;
  readonly peakDbfs: number | null;
  /** Mean power times ms, of what has a level. */
  readonly energy: number;
  /** Covered time that has a level, ms. */
  readonly levelMs: number;
  /** A fraction where a segment is shared by buckets. */
  readonly clippedSampleCount: number;
  /** Segments that begin in it. */
  readonly segmentCount: number;
}

function overlapMs(fromMs: number, toMs: number, startMs: number, endMs: number): number {
  return Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, startMs));
}

function bucketPart(segment: SegmentSpan, fromMs: number, toMs: number, lengthMs: number, bucketMs: number): RollUp {
  const gapMs = { "not-received": 0, "device-dropped": 0, "storage-failed": 0 };
  for (const { startMs, durationMs, cause } of segment.gaps) {
    gapMs[cause] += overlapMs(fromMs, toMs, startMs, startMs + durationMs);
  }
  const missingMs = gapMs["not-received"] + gapMs["device-dropped"] + gapMs["storage-failed"];
  const coveredMs = Math.max(0, toMs - fromMs - missingMs);
  const { rmsDbfs, clippedSampleCount, startMs, endMs } = segment;
  return {
    bucketMs,
    coveredMs,
    notReceivedMs: gapMs["not-received"],
    deviceDroppedMs: gapMs["device-dropped"],
    storageFailedMs: gapMs["storage-failed"],
    peakDbfs: segment.peakDbfs,
    energy: rmsDbfs === null ? 0 : 10 ** (rmsDbfs / 10) * coveredMs,
    levelMs: rmsDbfs === null ? 0 : coveredMs,
    clippedSampleCount: endMs > startMs ? ((clippedSampleCount ?? 0) * (toMs - fromMs)) / (endMs - startMs) : 0,
    segmentCount: startMs >= bucketMs && startMs < bucketMs + lengthMs ? 1 : 0,
  };
}

/** Shares a segment out to buckets of a length, in proportion to its time in each. Gaps in front of it are left out. */
export function shareOut(segment: SegmentSpan, lengthMs: number): RollUp[] {
  const { startMs } = segment;
  const endMs = Math.min(segment.endMs, startMs + maxSpanMs);
  const parts: RollUp[] = [];
  let bucketMs = Math.floor(startMs / lengthMs) * lengthMs;
  do {
    const fromMs = Math.max(startMs, bucketMs);
    const toMs = Math.max(fromMs, Math.min(endMs, bucketMs + lengthMs));
    parts.push(bucketPart(segment, fromMs, toMs, lengthMs, bucketMs));
    bucketMs += lengthMs;
  } while (bucketMs < endMs);
  return parts;
}

/** Both together, as one bucket that begins where the first one does. */
export function addRollUps(a: RollUp, b: RollUp): RollUp {
  return {
    bucketMs: a.bucketMs,
    coveredMs: a.coveredMs + b.coveredMs,
    notReceivedMs: a.notReceivedMs + b.notReceivedMs,
    deviceDroppedMs: a.deviceDroppedMs + b.deviceDroppedMs,
    storageFailedMs: a.storageFailedMs + b.storageFailedMs,
    peakDbfs: higher(a.peakDbfs, b.peakDbfs),
    energy: a.energy + b.energy,
    levelMs: a.levelMs + b.levelMs,
    clippedSampleCount: a.clippedSampleCount + b.clippedSampleCount,
    segmentCount: a.segmentCount + b.segmentCount,
  };
}

function higher(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
