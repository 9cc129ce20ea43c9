import type { LocalUsage } from "../catalog/retention-queue.ts";
import { type DayOfDeletions, noPast, type PastDeletions } from "./deletion-history.ts";
import type { RetentionTally } from "./retention-report.ts";

/** Of a device and in all: while a run and those of the last day delete fewer segments, it is never refused. */
export const guardMinCount = 100;

/** What of a run must not be done. */
export interface GuardVerdict {
  /** A line for people each. */
  readonly refusals: readonly string[];
  /** Whether what a run would delete of a device stays. */
  isRefused(hwid: string | null): boolean;
}

/**
 * Refuses deletions (not evictions: they lose nothing) that leave less than half of all segments, or of a device's, of what
 * there was within the last day: a quota that was mistyped, a clock that is wrong, also where it takes little at a time.
 * A quota that holds less than a day of audio deletes more than that and is fine: as much comes as goes.
 */
export function guardRun(
  tally: RetentionTally,
  usage: Iterable<LocalUsage>,
  past: PastDeletions = noPast,
): GuardVerdict {
  const refusals: string[] = [];
  const refused = new Set<string | null>();
  let segmentCount = 0;
  for (const device of usage) {
    segmentCount += device.segmentCount;
    const run = {
      count: tally.countOf(device.hwid, "delete"),
      heldCount: device.segmentCount,
      ...past.of(device.hwid),
    };
    if (!isMost(run)) continue;
    refused.add(device.hwid);
    refusals.push(describe(run, `segments of ${device.hwid ?? "devices without id"}`));
  }
  const all = { count: tally.count("delete"), heldCount: segmentCount, ...past.all };
  const isAllRefused = isMost(all);
  if (isAllRefused) refusals.unshift(describe(all, "segments", "all "));
  return { refusals, isRefused: (hwid) => isAllRefused || refused.has(hwid) };
}

interface Run extends DayOfDeletions {
  /** Segments that it would delete. */
  readonly count: number;
  /** Segments that there are. */
  readonly heldCount: number;
}

function isMost({ count, heldCount, deletedCount, peakCount }: Run): boolean {
  const total = Math.max(heldCount, peakCount);
  const gone = count + deletedCount;
  return count > 0 && gone >= guardMinCount && gone * 2 > total && (heldCount - count) * 2 < total;
}

function describe({ count, heldCount, deletedCount }: Run, what: string, all = ""): string {
  const before = deletedCount === 0 ? "" : ` after ${deletedCount} within a day`;
  return `${count} of ${all}${heldCount} ${what}${before}`;
}
