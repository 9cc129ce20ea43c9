/** A column: its head, and on which side its cells stand. */
export interface Column {
  readonly head: string;
  /** Default `left`. */
  readonly align?: "left" | "right";
  /** Its cells are of {@link formatLocalTime}: the head names the time zone. */
  readonly isTime?: true;
}

// Control, format and lone surrogate characters, line and paragraph separators: names come from whoever may call the API.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text as a terminal may show it: on one line, what would steer the terminal replaced by U+FFFD. */
export function toPrintable(text: string): string {
  return text.replaceAll(unprintable, "�");
}

type Cells = readonly (readonly string[])[];

/** Lines of a table, columns as wide as they need to be; without rows only the heads. Cells are made {@link toPrintable}. */
export function formatTextTable(columns: readonly Column[], rows: Cells): string {
  return formatTextTableParts(columns)(rows);
}

/**
 * The same for a table that is too long to be kept: what this gives takes the rows part by part and gives the lines of each,
 * the first with the heads. A column is as wide as the parts until then needed.
 */
export function formatTextTableParts(columns: readonly Column[]): (rows: Cells) => string {
  const widths = columns.map(() => 0);
  let isFirst = true;
  return (rows) => {
    const cells = [...(isFirst ? [columns.map(headOf)] : []), ...rows.map((row) => row.map(toPrintable))];
    isFirst = false;
    for (const row of cells) {
      for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
    }
    return cells.map((row) => formatLine(columns, widths, row)).join("");
  };
}

function formatLine(columns: readonly Column[], widths: readonly number[], row: readonly string[]): string {
  const line = columns.map(({ align }, at) => {
    const cell = row[at] ?? "";
    return align === "right" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
  });
  return `${line.join("  ").trimEnd()}\n`;
}

function headOf({ head, isTime }: Column): string {
  return isTime ? `${head} (${Intl.DateTimeFormat().resolvedOptions().timeZone})` : head;
}

/** `980 B`, `1.2 MB`: units of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** `9.2 s`, `3:05`, `1:02:03`: hours, minutes, seconds. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** In this machine's time zone: `2026-11-22 14:30:05`. */
export function formatLocalTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The same with the offset from UTC: `2026-11-22 14:30:05+01:00`. */
export function formatOffsetTime(iso: string): string {
  return `${formatLocalTime(iso)}${formatOffset(new Date(iso))}`;
}

/** In this machine's time zone, which it names, and as options take it: `2026-11-22T14:30:05.250+01:00`. */
export function formatZonedTime(iso: string): string {
  const date = new Date(iso);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  return `${local}${formatOffset(date)}`;
}

function formatOffset(date: Date): string {
  const offsetMin = -date.getTimezoneOffset();
  const two = (value: number) => String(value).padStart(2, "0");
  const ahead = Math.abs(offsetMin);
  return `${offsetMin < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}
