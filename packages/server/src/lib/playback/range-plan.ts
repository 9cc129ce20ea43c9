import type { SegmentPlace } from "../catalog/catalog-reader.ts";
import type { SessionRun } from "./heard-runs.ts";
import type { MissingCause } from "./range-facts.ts";

/** A stretch of the range without audio, on the sample grid. */
export interface MissingRun {
  readonly from: number;
  readonly to: number;
  readonly cause: MissingCause;
}

/** A range that was looked up. Its size does not depend on how many segments there are, but on holes. */
export interface RangePlan {
  readonly hwid: string | null;
  readonly streamId: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Bounds on the sample grid, `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** What is heard, gaps inside of segments included; in order, without overlap. */
  readonly runs: readonly SessionRun[];
  /** All that is missing: in order, without overlap. */
  readonly missing: readonly MissingRun[];
  readonly hasOverlap: boolean;
  /** The segments, if they are few; else they are looked up when they are read. */
  readonly known: readonly SegmentPlace[] | undefined;
  /** The first segments whose local files were deleted; they may have been brought back. */
  readonly evicted: readonly SegmentPlace[];
  readonly sources: { readonly local: number; readonly remote: number };
}

/** Samples per channel of a plan that stand recorded. */
export function countPresent(plan: RangePlan): number {
  return plan.to - plan.from - plan.missing.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** A stretch of a range's audio: a part of a session, or silence. Grid indexes. */
export interface RangePiece {
  readonly from: number;
  readonly to: number;
  /** `null`: silence. */
  readonly run: SessionRun | null;
}

/** The whole range, with silence where no session has a segment. Gaps inside of segments are silence in themselves. */
export function piecesWithSilence({ from, to, runs }: RangePlan): readonly RangePiece[] {
  const pieces: RangePiece[] = [];
  let at = from;
  for (const run of runs) {
    if (run.from > at) pieces.push({ from: at, to: run.from, run: null });
    pieces.push({ from: run.from, to: run.to, run });
    at = run.to;
  }
  if (at < to) pieces.push({ from: at, to, run: null });
  return pieces;
}

/** What stands recorded only. */
export function piecesOfAudio({ runs, missing }: RangePlan): readonly RangePiece[] {
  const pieces: RangePiece[] = [];
  let next = 0;
  for (const run of runs) {
    let at = run.from;
    while (at < run.to) {
      while ((missing[next]?.to ?? Number.POSITIVE_INFINITY) <= at) next += 1;
      const gap = missing[next];
      const end = Math.min(gap?.from ?? run.to, run.to);
      if (end > at) pieces.push({ from: at, to: end, run });
      at = gap === undefined || gap.from >= run.to ? run.to : Math.max(at, gap.to);
    }
  }
  return pieces;
}
