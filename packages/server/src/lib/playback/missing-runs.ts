import type { GapRecord } from "../kernel/segment-record.ts";
import type { SessionRun } from "./heard-runs.ts";
import type { MissingRun } from "./range-plan.ts";

/** A gap of a session on the sample grid. */
export interface PlacedGap {
  readonly session: string;
  readonly from: number;
  readonly to: number;
  readonly cause: GapRecord["cause"];
}

export interface MissingQuestion {
  readonly from: number;
  readonly to: number;
  /** What is heard: in order, without overlap. */
  readonly runs: readonly SessionRun[];
  readonly gaps: readonly PlacedGap[];
}

/**
 * What of a range is missing, and why: gaps inside of what is heard, and holes between it. A hole that a gap of a
 * session next to it explains has that gap's cause.
 */
export function findMissing({ from, to, runs, gaps }: MissingQuestion): readonly MissingRun[] {
  const bySession = groupBySession(gaps);
  const missing: MissingRun[] = [];
  let at = from;
  let before: SessionRun | undefined;
  for (const run of runs) {
    if (run.from > at) missing.push(...fillHole({ from: at, to: run.from }, bySession, [run, before]));
    missing.push(...clip(bySession.get(run.session) ?? [], run));
    at = run.to;
    before = run;
  }
  if (at < to) missing.push(...fillHole({ from: at, to }, bySession, [before]));
  return missing;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

function groupBySession(gaps: readonly PlacedGap[]): ReadonlyMap<string, readonly PlacedGap[]> {
  const groups = new Map<string, PlacedGap[]>();
  for (const gap of gaps) {
    const group = groups.get(gap.session);
    if (group === undefined) groups.set(gap.session, [gap]);
    else group.push(gap);
  }
  for (const group of groups.values()) group.sort((a, b) => a.from - b.from);
  return groups;
}

/** The parts of ascending gaps that lie in a stretch. */
function clip(gaps: readonly PlacedGap[], { from, to }: Stretch): readonly MissingRun[] {
  const clipped: MissingRun[] = [];
  for (let index = firstEndingAfter(gaps, from); index < gaps.length; index++) {
    const gap = gaps[index];
    if (gap === undefined || gap.from >= to) break;
    const part = { from: Math.max(gap.from, from), to: Math.min(gap.to, to), cause: gap.cause };
    if (part.to > part.from) clipped.push(part);
  }
  return clipped;
}

function firstEndingAfter(gaps: readonly PlacedGap[], at: number): number {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle]?.to ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fillHole(
  hole: Stretch,
  gaps: ReadonlyMap<string, readonly PlacedGap[]>,
  neighbours: readonly (SessionRun | undefined)[],
): readonly MissingRun[] {
  const explained = neighbours
    .map((run) => (run === undefined ? [] : clip(gaps.get(run.session) ?? [], hole)))
    .find((parts) => parts.length > 0);
  const parts: MissingRun[] = [];
  let at = hole.from;
  for (const part of explained ?? []) {
    if (part.from > at) parts.push({ from: at, to: part.from, cause: "not-recorded" });
    parts.push(part);
    at = part.to;
  }
  if (at < hole.to) parts.push({ from: at, to: hole.to, cause: "not-recorded" });
  return parts;
}
