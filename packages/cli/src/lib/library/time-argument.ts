import { InvalidArgumentError } from "commander";

const clock = /^(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,3})?))?$/;
const localDate = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d{1,3})?))?)?$/;
const relative = /^-(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const milliseconds = /^\d{9,15}$/;
const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** What a time may look like, for people. */
export const timeForms =
  "14:30, 2026-11-22, 2026-11-22T14:30:05 (this machine's time zone), 2026-11-22T14:30:05Z, ms since 1970, -5m, -2h, -7d, now";

/** Parser of an option that takes a time. */
export function readTime(text: string): string {
  return timeArgument(text);
}

/**
 * A time as people give it: what has no time zone is read in that of this machine, a time of day is that of today.
 *
 * @param nowMs - ms since 1970; default: the machine's clock
 * @returns in UTC, as the API takes it
 */
export function timeArgument(text: string, nowMs: number = Date.now()): string {
  const trimmed = text.trim();
  const date = readMoment(trimmed, nowMs) ?? readClock(trimmed, nowMs) ?? readLocal(trimmed);
  if (date !== undefined && Number.isFinite(date.getTime())) return date.toISOString();
  throw new InvalidArgumentError(`Allowed: ${timeForms}.`);
}

/** What does not depend on the time zone. */
function readMoment(text: string, nowMs: number): Date | undefined {
  if (text === "now") return new Date(nowMs);
  if (milliseconds.test(text)) return new Date(Number(text));
  if (zoned.test(text)) return new Date(text);
  const [, amount, unit] = relative.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return new Date(nowMs - Number(amount) * unitMs[unit as keyof typeof unitMs]);
}

function readClock(text: string, nowMs: number): Date | undefined {
  const match = clock.exec(text);
  if (match === null) return undefined;
  const now = new Date(nowMs);
  return checked([now.getFullYear(), now.getMonth() + 1, now.getDate()], match.slice(1));
}

function readLocal(text: string): Date | undefined {
  const match = localDate.exec(text);
  return match === null ? undefined : checked(match.slice(1, 4).map(Number), match.slice(4));
}

/** `undefined` for a day or a time that there is not. */
function checked(
  [year = 0, month = 0, day = 0]: readonly number[],
  time: readonly (string | undefined)[],
): Date | undefined {
  const [hour = 0, minute = 0, second = 0] = time.map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || second >= 60) return undefined;
  const date = new Date(year, month - 1, day, hour, minute, 0, Math.round(second * 1000));
  return date.getMonth() === month - 1 && date.getDate() === day ? date : undefined;
}
