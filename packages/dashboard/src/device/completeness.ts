import type { Timeline } from "@eet/server/api-types";
import { spanOf } from "../archive/gap-names.ts";
import { startOfDay } from "../format/format-time.ts";

/** What was recorded on one day of the viewer's calendar, seconds. */
export interface DayRecord {
  readonly startMs: number;
  /** The midnight behind it. */
  readonly nextMs: number;
  /** The same; of today it is now. */
  readonly endMs: number;
  readonly coveredS: number;
  /** Missing inside of recordings. */
  readonly gapS: number;
  /** What is recorded of it, and where. */
  readonly parts: readonly DayPart[];
  /** Length of the day so far, counted from when the device was first seen. */
  readonly lengthS: number;
}

/** A stretch of a day in which something is recorded. */
export interface DayPart {
  /** Where it begins and how long it is: shares of the day. */
  readonly start: number;
  readonly length: number;
  /** Share of it that is recorded. */
  readonly covered: number;
  readonly gapS: number;
}

/** Midnight so many days earlier in the viewer's calendar: days may have 23 or 25 hours. */
export function daysBefore(timeMs: number, dayCount: number): number {
  const date = new Date(startOfDay(timeMs));
  date.setDate(date.getDate() - dayCount);
  return date.getTime();
}

/** What is missing on a day, or since its midnight. */
export interface DayGaps {
  readonly count: number;
  /** There are more of them than a timeline lists. */
  readonly isMore: boolean;
  readonly seconds: number;
}

/** Counts the gaps of a day. @param timeline - of that day; of more days only as long as it lists all gaps */
export function countGaps(
  { gaps, has_more_gaps }: Pick<Timeline, "gaps" | "has_more_gaps">,
  { startMs, nextMs, gapS }: Pick<DayRecord, "startMs" | "nextMs" | "gapS">,
): DayGaps {
  const ofDay = gaps.filter((gap) => spanOf(gap).fromMs < nextMs && spanOf(gap).toMs > startMs);
  return { count: ofDay.length, isMore: has_more_gaps, seconds: gapS };
}

/** Adds up a timeline day by day, the oldest first. */
export function recordDays(
  { buckets, resolution_s }: Pick<Timeline, "buckets" | "resolution_s">,
  { nowMs, firstSeenMs, dayCount }: { readonly nowMs: number; readonly firstSeenMs: number; readonly dayCount: number },
): readonly DayRecord[] {
  const days = Array.from({ length: dayCount }, (_, index) => {
    const startMs = daysBefore(nowMs, dayCount - 1 - index);
    const nextMs = daysBefore(nowMs, dayCount - 2 - index);
    const endMs = Math.min(nowMs, nextMs);
    const lengthS = Math.max(0, (endMs - Math.max(startMs, firstSeenMs)) / 1000);
    return { startMs, nextMs, endMs, coveredS: 0, gapS: 0, lengthS, parts: [] as DayPart[] };
  });
  for (const { start, covered_s, gap_s } of buckets) {
    const day = days.findLast(({ startMs }) => startMs <= Date.parse(start));
    if (day === undefined) continue;
    day.coveredS += covered_s;
    const gapS = Object.values(gap_s).reduce((sum, seconds) => sum + seconds, 0);
    day.gapS += gapS;
    const dayMs = day.nextMs - day.startMs;
    day.parts.push({
      start: (Date.parse(start) - day.startMs) / dayMs,
      length: (resolution_s * 1000) / dayMs,
      covered: Math.min(1, covered_s / resolution_s),
      gapS,
    });
  }
  return days;
}
