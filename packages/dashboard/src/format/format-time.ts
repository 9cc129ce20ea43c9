const time = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const shortTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

const dayMs = 86_400_000;

/** Such as `14:03:12`, in the viewer's zone. */
export function formatClock(timeMs: number): string {
  return time.format(timeMs);
}

/** Such as `14:03`; on another day `Sat, Nov 21, 14:03`, of another year with it. */
export function formatMoment(timeMs: number, nowMs: number): string {
  const isToday = startOfDay(timeMs) === startOfDay(nowMs);
  const isThisYear = new Date(timeMs).getFullYear() === new Date(nowMs).getFullYear();
  const date = isThisYear ? day : dayOfYear;
  return isToday ? shortTime.format(timeMs) : `${date.format(timeMs)}, ${shortTime.format(timeMs)}`;
}

/** Such as `Sat, Nov 21`. */
export function formatDay(timeMs: number): string {
  return day.format(timeMs);
}

/** Such as `2026-11-22 14:03:12 UTC`: what hovering over a time tells. */
export function formatUtc(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Midnight of a moment's day in the viewer's zone, ms since 1970. */
export function startOfDay(timeMs: number): number {
  return new Date(timeMs).setHours(0, 0, 0, 0);
}

/**
 * Such as `4.2 s`, `10.5 s`, `12 min`, `3 h 20 min`, `5 d`: two or three digits of it, of minutes below ten the seconds
 * too. No line ends between number and unit.
 */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, durationMs / 1000);
  if (seconds < 0.0995) return write([Math.round(seconds * 1000), "ms"]);
  if (seconds < 59.95) return write([Number(seconds.toFixed(1)), "s"]);
  if (seconds < 599.5) return writeTwo(Math.round(seconds), 60, ["min", "s"]);
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return write([minutes, "min"]);
  if (minutes < 600) return writeTwo(minutes, 60, ["h", "min"]);
  if (durationMs < 2 * dayMs) return write([Math.round(minutes / 60), "h"]);
  return write([Math.round(durationMs / dayMs), "d"]);
}

/** Of a recording that grows: `7.4 s`, then `3:05`, `1:02:09`. */
export function formatLength(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)}\u00a0s`;
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** How long ago something was: as {@link formatDuration}, whole seconds from a second on. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(1, Math.floor(ageMs / 1000));
  return seconds < 60 ? formatDuration(seconds * 1000) : formatDuration(Math.floor(seconds / 60) * 60_000);
}

/** For how long there is room: hours up to four days, then days, then years, of which nobody counts more than ten. */
export function formatRoom(hours: number): string {
  if (hours < 1) return "less than an hour";
  if (hours < 96) return `${Math.floor(hours)} ${hours < 2 ? "hour" : "hours"}`;
  if (hours < 24 * 730) return `${Math.floor(hours / 24)} days`;
  const years = Math.floor(hours / 24 / 365);
  return years > 10 ? "over 10 years" : `${years} years`;
}

function writeTwo(count: number, size: number, [large, small]: readonly [string, string]): string {
  const rest = count % size;
  return write([Math.floor(count / size), large], ...(rest === 0 ? [] : [[rest, small] as const]));
}

/** With no-break spaces within, such as `3 h 20 min`. */
function write(...parts: readonly (readonly [number, string])[]): string {
  return parts.map(([count, unit]) => `${count}\u00a0${unit}`).join("\u00a0");
}
