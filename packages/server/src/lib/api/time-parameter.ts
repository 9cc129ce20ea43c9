import { RequestError } from "../kernel/errors.ts";

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const relative = /^-(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/;
const milliseconds = /^\d{1,16}(?:\.\d{1,6})?$/;
/** In a query a `+` that is not escaped comes as a space. */
const iso = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+ -])(\d\d):?(\d\d)))?$/i;
/** The last moment that a `Date` can hold. */
const maxTimeMs = 8.64e15;
/** Of a text, in answers. */
const maxQuotedLength = 60;

/** What times may look like, for people. */
export const timeForms =
  "ISO 8601 with a zone (2026-03-01T12:00:00.000Z), a date (2026-03-01, UTC), ms since 1970, or relative to now: now, -30s, -5m, -2h, -7d, -1w";

/**
 * Reads a time as requests give it.
 *
 * @param text - see {@link timeForms}
 * @param nowMs - what relative times count from, ms since 1970
 * @returns ms since 1970, 0 to 8.64e15; with a fraction where the text has one
 * @throws RequestError `PARAMETER_INVALID`
 */
export function parseTime(name: string, text: string, nowMs: number): number {
  const timeMs = readTime(text, nowMs);
  if (timeMs === undefined || !(timeMs >= 0 && timeMs <= maxTimeMs)) {
    const quoted = JSON.stringify(text.slice(0, maxQuotedLength));
    throw new RequestError("PARAMETER_INVALID", `${name} is ${quoted}; allowed: ${timeForms}`);
  }
  return timeMs;
}

/** Writes a time as answers show it: ISO 8601, UTC, with ms; a fraction of a ms is cut off. */
export function formatTime(timeMs: number): string {
  return new Date(Math.floor(timeMs)).toISOString();
}

/** The same with µs where the time has a fraction of a ms: places on the grid of any rate can be read back from it. */
export function formatExactTime(timeMs: number): string {
  const timeUs = Math.round(timeMs * 1000);
  const us = timeUs % 1000;
  const text = formatTime((timeUs - us) / 1000);
  return us === 0 ? text : `${text.slice(0, -1)}${String(us).padStart(3, "0")}Z`;
}

/** {@link formatTime}, `null` staying `null`. */
export function formatTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs);
}

function readTime(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  if (milliseconds.test(text)) return Number(text);
  const [, amount, unit] = relative.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * unitMs[unit as keyof typeof unitMs];
  return readIso(text);
}

function readIso(text: string): number | undefined {
  const match = iso.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const dayMs = readDay(year ?? 0, month ?? 0, day ?? 0);
  const offsetMs = readOffset(match[8], Number(match[9] ?? 0), Number(match[10] ?? 0));
  if (dayMs === undefined || offsetMs === undefined) return undefined;
  const fractionMs = match[7] === undefined ? 0 : Number(`0.${match[7]}`) * 1000;
  return dayMs + hour * unitMs.h + minute * unitMs.m + second * unitMs.s + fractionMs - offsetMs;
}

/** Midnight UTC of a day of the calendar. */
function readDay(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // The 30th of February would become a day of March.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}

function readOffset(sign: string | undefined, hours: number, minutes: number): number | undefined {
  if (hours > 23 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * unitMs.h + minutes * unitMs.m);
}
