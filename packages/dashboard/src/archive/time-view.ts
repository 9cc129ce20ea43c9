import { startOfDay } from "../format/format-time.ts";

/** A stretch of time, ms since 1970, `[fromMs, toMs)`. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** From a millisecond to a bit more than a year. */
const minLengthMs = 1;
const maxLengthMs = 400 * 86_400_000;

export function lengthOf({ fromMs, toMs }: TimeSpan): number {
  return toMs - fromMs;
}

/** Makes a span shorter (`factor` below 1) or longer; the moment at `anchorMs` stays where it is. */
export function zoomSpan(span: TimeSpan, factor: number, anchorMs: number): TimeSpan {
  const length = Math.min(maxLengthMs, Math.max(minLengthMs, lengthOf(span) * factor));
  const share = (anchorMs - span.fromMs) / lengthOf(span);
  const fromMs = anchorMs - share * length;
  return { fromMs, toMs: fromMs + length };
}

/** Moves a span by a share of its length. */
export function panSpan(span: TimeSpan, share: number): TimeSpan {
  const moveMs = lengthOf(span) * share;
  return { fromMs: span.fromMs + moveMs, toMs: span.toMs + moveMs };
}

/** Lengths that are shown by a click; days and longer ones as the viewer's calendar has them. */
export const viewUnits = ["minute", "hour", "day", "week", "month", "year"] as const;
export type ViewUnit = (typeof viewUnits)[number];

/** The unit around a moment: the week begins on Monday; a minute or hour has the moment in its middle. */
export function unitAround(unit: ViewUnit, timeMs: number): TimeSpan {
  if (unit === "minute" || unit === "hour") {
    const half = (unit === "minute" ? minuteMs : hourMs) / 2;
    return { fromMs: timeMs - half, toMs: timeMs + half };
  }
  const date = new Date(timeMs);
  const year = date.getFullYear();
  const month = unit === "year" ? 0 : date.getMonth();
  const firstDay = { day: date.getDate(), week: date.getDate() - ((date.getDay() + 6) % 7), month: 1, year: 1 }[unit];
  const fromMs = new Date(year, month, firstDay).getTime();
  const next = { day: [year, month, firstDay + 1], week: [year, month, firstDay + 7] } as const;
  const [toYear, toMonth, toDay] =
    unit === "month" ? [year, month + 1, 1] : unit === "year" ? [year + 1, 0, 1] : next[unit];
  return { fromMs, toMs: new Date(toYear, toMonth, toDay).getTime() };
}

/** Of its length: a span that ends so near to now shows what is recorded now. */
const nearShare = 0.02;

/**
 * The unit that is shown in the place of a view: the one around the view's middle, or around now where the view reaches
 * it. One that is not over yet ends now and is as long, for what is to come shows nothing.
 */
export function unitInPlaceOf(view: TimeSpan, unit: ViewUnit, nowMs: number): TimeSpan {
  const { fromMs, toMs } = view;
  const reachesNow = toMs > nowMs - lengthOf(view) * nearShare;
  // The last moment of a day is no moment of the next one.
  const whole = unitAround(unit, reachesNow ? nowMs : Math.min((fromMs + toMs) / 2, toMs - 1));
  return whole.toMs <= nowMs ? whole : { fromMs: unitEarlier(unit, nowMs), toMs: nowMs };
}

/** The same time of the clock a unit earlier; of a month that is too short for it, its last day. */
function unitEarlier(unit: ViewUnit, timeMs: number): number {
  if (unit === "minute" || unit === "hour") return timeMs - (unit === "minute" ? minuteMs : hourMs);
  const date = new Date(timeMs);
  if (unit === "day" || unit === "week") return date.setDate(date.getDate() - (unit === "day" ? 1 : 7));
  const lastDay = new Date(date.getFullYear(), date.getMonth() + 1 - (unit === "month" ? 1 : 12), 0).getDate();
  const day = Math.min(date.getDate(), lastDay);
  return date.setMonth(date.getMonth() - (unit === "month" ? 1 : 12), day);
}

/** Whether a view is as long as a unit is: some days have 23 hours, and months are not alike. */
export function isAsLongAs(view: TimeSpan, unit: ViewUnit): boolean {
  const around = unitAround(unit, (view.fromMs + view.toMs) / 2);
  return [around, { fromMs: unitEarlier(unit, view.toMs), toMs: view.toMs }].some(
    (span) => Math.abs(lengthOf(view) / lengthOf(span) - 1) < 0.01,
  );
}

/** What is recorded in one format. */
export interface AudioStretch extends TimeSpan {
  readonly sampleRateHz: number;
  readonly channels: number;
}

/**
 * What follows in one format without a longer hole from the first of some spans on. Where spans of several formats overlap
 * nothing can be asked for: it begins behind that.
 *
 * @param spans - in order of their starts; both ends are cut to whole ms
 * @param fromMs - what lies before it does not count
 */
export function firstStretch(
  spans: readonly AudioStretch[],
  fromMs: number,
  maxHoleMs: number,
): AudioStretch | undefined {
  for (let atMs = fromMs; ; ) {
    const left = spans.filter(({ toMs }) => toMs >= atMs);
    const [first] = left;
    if (first === undefined) return undefined;
    const startMs = Math.max(atMs, first.fromMs);
    const other = left.find((span) => !hasSameFormat(span, first));
    const toMs = Math.min(endWithoutHole(left, first, maxHoleMs), other?.fromMs ?? Number.POSITIVE_INFINITY);
    if (toMs > startMs || other === undefined) return { ...first, fromMs: startMs, toMs };
    atMs = Math.min(first.toMs, other.toMs) + 1;
  }
}

/** Whether two stretches can be played and drawn as one. */
export function hasSameFormat(one: AudioStretch, other: AudioStretch): boolean {
  return one.sampleRateHz === other.sampleRateHz && one.channels === other.channels;
}

function endWithoutHole(spans: readonly AudioStretch[], first: AudioStretch, maxHoleMs: number): number {
  let toMs = first.toMs + 1;
  for (const span of spans) {
    if (!hasSameFormat(span, first) || span.fromMs > toMs + maxHoleMs) break;
    toMs = Math.max(toMs, span.toMs + 1);
  }
  return toMs;
}

/** A mark of the time axis. */
export interface TimeTick {
  readonly timeMs: number;
  readonly label: string;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Where days would be too many, months are marked; their mean length is enough to choose by. */
const monthMs = 30.5 * dayMs;
const yearMs = 12 * monthMs;
const steps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * secondMs),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minuteMs),
  ...[1, 2, 3, 6, 12].map((count) => count * hourMs),
  ...[1, 2, 3, 7, 14].map((count) => count * dayMs),
  ...[1, 2, 3, 6, 12].map((count) => count * monthMs),
];
/** One label alone tells of no length, two of a narrow axis of little: then marks may stand closer. */
const wantedCount = 3;
/** Characters of a label without milliseconds; where the longest just fit there is room for some more of these. */
const shortLength = 8;
const shortExtraCount = 1.6;

/**
 * Marks at round times of the viewer's zone, at most so many. Where that would leave fewer than three with room for their
 * labels, there are one or two more if their labels are short.
 *
 * @param maxCount - of the longest labels, which tell milliseconds, so many have room
 */
export function timeTicks(span: TimeSpan, maxCount: number): readonly TimeTick[] {
  const found = steps.findIndex((step) => lengthOf(span) / step <= maxCount);
  const first = found === -1 ? steps.length - 1 : found;
  let ticks: readonly TimeTick[] = [];
  for (let at = first; at >= 0; at -= 1) {
    const stepMs = steps[at] ?? yearMs;
    const finer = ticksAt(span, stepMs);
    const isShort = finer.every(({ label }) => label.length <= shortLength);
    const roomCount = maxCount + (isShort ? shortExtraCount : 0);
    if (at < first && lengthOf(span) / stepMs > roomCount) break;
    ticks = finer;
    const labelMs = lengthOf(span) / roomCount;
    if (ticks.filter(({ timeMs }) => timeMs + labelMs <= span.toMs).length >= wantedCount) break;
  }
  return ticks;
}

function ticksAt(span: TimeSpan, stepMs: number): readonly TimeTick[] {
  if (stepMs >= monthMs) return monthTicks(span, Math.round(stepMs / monthMs));
  const times = stepMs >= hourMs ? calendarTimes(span, stepMs / hourMs) : evenTimes(span, stepMs);
  return times.map((timeMs) => ({ timeMs, label: labelOf(timeMs, stepMs) }));
}

function evenTimes({ fromMs, toMs }: TimeSpan, stepMs: number): readonly number[] {
  const midnight = startOfDay(fromMs);
  const firstMs = midnight + Math.ceil((fromMs - midnight) / stepMs) * stepMs;
  return Array.from({ length: Math.max(0, Math.ceil((toMs - firstMs) / stepMs)) }, (_, at) => firstMs + at * stepMs);
}

/** Days of 23 and 25 hours: by the clock on the wall. An hour that a day has not is no time. */
function calendarTimes({ fromMs, toMs }: TimeSpan, stepHours: number): readonly number[] {
  const midnight = startOfDay(fromMs);
  const times: number[] = [];
  for (let hours = 0; ; hours += stepHours) {
    const timeMs = new Date(midnight).setHours(hours);
    if (timeMs >= toMs) return times;
    if (timeMs >= fromMs && timeMs !== times.at(-1)) times.push(timeMs);
  }
}

/** A year is named at its January. */
function monthTicks(span: TimeSpan, step: number): readonly TimeTick[] {
  const date = new Date(new Date(span.fromMs).getFullYear(), 0, 1);
  const ticks: TimeTick[] = [];
  for (; date.getTime() < span.toMs; date.setMonth(date.getMonth() + step)) {
    const label =
      date.getMonth() === 0 ? String(date.getFullYear()) : date.toLocaleString(undefined, { month: "short" });
    if (date.getTime() >= span.fromMs) ticks.push({ timeMs: date.getTime(), label });
  }
  return ticks;
}

const two = (value: number) => String(value).padStart(2, "0");

function labelOf(timeMs: number, stepMs: number): string {
  const date = new Date(timeMs);
  const day = date.toLocaleString(undefined, { day: "numeric", month: "short" });
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (stepMs >= dayMs || timeMs === startOfDay(timeMs)) return day;
  if (stepMs >= minuteMs) return minutes;
  const seconds = `${minutes}:${two(date.getSeconds())}`;
  return stepMs >= secondMs ? seconds : `${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
