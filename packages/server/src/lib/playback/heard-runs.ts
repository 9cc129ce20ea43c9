/** A stretch of a session that has no hole, on the sample grid. */
export interface SessionRun {
  readonly session: string;
  /** Grid index of the session's first sample. */
  readonly origin: number;
  /** Grid indexes, `to` exclusive. */
  readonly from: number;
  readonly to: number;
}

/** What is heard of a range, and whether anything is not because another session is heard there. */
export interface HeardRuns {
  /** In order, without overlap. */
  readonly runs: readonly SessionRun[];
  readonly hasOverlap: boolean;
}

/** Told where {@link HeardRuns.hasOverlap}. */
export const overlapRule: string =
  "where sessions overlap, the one that began first is heard as long as it has a segment, then the next";

/**
 * Resolves overlaps of sessions: of those that have a segment at a place, the one that began first is heard. It depends
 * on nothing but the place, so neighbouring ranges agree.
 */
export function resolveOverlaps(found: readonly SessionRun[]): HeardRuns {
  const waiting = [...found].sort((a, b) => a.from - b.from);
  const heard: SessionRun[] = [];
  let active: SessionRun[] = [];
  let hasOverlap = false;
  let next = 0;
  for (let at = waiting[0]?.from ?? 0; active.length > 0 || next < waiting.length; ) {
    for (let run = waiting[next]; run !== undefined && run.from <= at; run = waiting[++next]) active.push(run);
    active = active.filter((run) => run.to > at).sort(bySessionStart);
    const [first] = active;
    const nextFrom = waiting[next]?.from ?? Number.POSITIVE_INFINITY;
    if (first === undefined) {
      if (next >= waiting.length) break;
      at = nextFrom;
    } else {
      hasOverlap ||= active.length > 1;
      const to = Math.min(first.to, nextFrom);
      append(heard, { ...first, from: at, to });
      at = to;
    }
  }
  return { runs: heard, hasOverlap };
}

function bySessionStart(a: SessionRun, b: SessionRun): number {
  return a.origin - b.origin || (a.session < b.session ? -1 : 1);
}

function append(runs: SessionRun[], run: SessionRun): void {
  const last = runs.at(-1);
  if (last !== undefined && last.session === run.session && last.to === run.from) {
    runs[runs.length - 1] = { ...last, to: run.to };
  } else runs.push(run);
}
