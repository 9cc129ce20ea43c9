import { formatClock, formatDay, formatUtc, startOfDay } from "../format/format-time.ts";
import { lengthOf, type TimeSpan, unitAround } from "./time-view.ts";

const month = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
/** Seconds tell nothing of longer spans, and of shorter ones they do not tell enough. */
const minutesFromMs = 6 * 3_600_000;
const millisecondsBelowMs = 10_000;

/** What a span covers, in the viewer's zone: years, months and whole days by their names, other spans with the times. */
export function describeSpan({ fromMs, toMs }: TimeSpan, nowMs = Date.now()): string {
  if (isWhole("year", { fromMs, toMs })) return String(new Date(fromMs).getFullYear());
  if (isWhole("month", { fromMs, toMs })) return month.format(fromMs);
  if (fromMs === startOfDay(fromMs) && toMs === startOfDay(toMs)) {
    const [first, last] = [dateOf(fromMs, nowMs), dateOf(toMs - 1, nowMs)];
    return first === last ? first : `${first} to ${last}`;
  }
  const isOneDay = startOfDay(fromMs) === startOfDay(toMs);
  const [from, to] = [fromMs, toMs].map((timeMs) => clockOf(timeMs, toMs - fromMs));
  return `${dateOf(fromMs, nowMs)}, ${from} to ${isOneDay ? to : `${dateOf(toMs, nowMs)}, ${to}`}`;
}

function isWhole(unit: "month" | "year", { fromMs, toMs }: TimeSpan): boolean {
  const whole = unitAround(unit, fromMs);
  return whole.fromMs === fromMs && lengthOf(whole) === toMs - fromMs;
}

/** A moment of what is in view, for people: with its day where that is not clear. */
export function momentIn(view: TimeSpan, timeMs: number, nowMs: number = Date.now()): string {
  const clock = clockOf(timeMs, lengthOf(view));
  const isOneDay =
    startOfDay(view.fromMs) === startOfDay(view.toMs - 1) && startOfDay(timeMs) === startOfDay(view.fromMs);
  return isOneDay ? clock : `${dateOf(timeMs, nowMs)}, ${clock}`;
}

/** Such as `2026-11-22 14:03:12.020 UTC`, as exact as what is in view. */
export function describeUtc(timeMs: number, lengthMs: number): string {
  if (lengthMs >= millisecondsBelowMs) return formatUtc(timeMs);
  return `${new Date(timeMs).toISOString().slice(0, 23).replace("T", " ")} UTC`;
}

/** Such as `14:03`, `14:03:12` or `14:03:12.020`: as exact as a span of some length is looked at. */
export function clockOf(timeMs: number, lengthMs: number): string {
  if (lengthMs >= minutesFromMs) return minute.format(timeMs);
  if (lengthMs >= millisecondsBelowMs) return formatClock(timeMs);
  return `${formatClock(timeMs)}.${String(new Date(timeMs).getMilliseconds()).padStart(3, "0")}`;
}

/** Such as `Sat, Nov 21`. The year is told where it is another one. */
export function dateOf(timeMs: number, nowMs: number): string {
  const year = new Date(timeMs).getFullYear();
  return year === new Date(nowMs).getFullYear() ? formatDay(timeMs) : `${formatDay(timeMs)} ${year}`;
}
