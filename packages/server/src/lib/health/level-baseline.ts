const hourMs = 3_600_000;
/** A week holds every hour of the day and every day. */
const maxHourCount = 168;
/** Before that the usual level is not known. */
const minHourCount = 3;
/** Levels of the current hour that are kept; the rest says no more. */
const maxLevelCount = 60;

/** The usual RMS level of a stream: the median of the hourly medians of a week. */
export class LevelBaseline {
  /** Oldest first. */
  #hours: { readonly hour: number; readonly medianDbfs: number }[] = [];
  #current: { readonly hour: number; readonly levels: number[]; count: number } | undefined;
  #usualDbfs: number | undefined;

  /** Takes levels of earlier hours, in any order. */
  restore(levels: readonly { readonly startMs: number; readonly rmsDbfs: number }[]): void {
    const byHour = Map.groupBy(levels, ({ startMs }) => Math.floor(startMs / hourMs));
    const restored = [...byHour].map(([hour, rows]) => ({
      hour,
      medianDbfs: medianOf(rows.map((row) => row.rmsDbfs)),
    }));
    const known = new Set(this.#hours.map(({ hour }) => hour));
    this.#hours = [...restored.filter(({ hour }) => !known.has(hour)), ...this.#hours].sort((a, b) => a.hour - b.hour);
    this.#settle();
  }

  /** Takes the level of a segment. Those of earlier hours than the newest are dropped. */
  add(startMs: number, rmsDbfs: number): void {
    const hour = Math.floor(startMs / hourMs);
    if (this.#current !== undefined && hour < this.#current.hour) return;
    if (this.#current !== undefined && hour > this.#current.hour) this.#closeHour(this.#current);
    if (this.#current?.hour !== hour) this.#current = { hour, levels: [], count: 0 };
    // The kept ones stand for the whole hour: each new one takes the place of the oldest.
    this.#current.levels[this.#current.count % maxLevelCount] = rmsDbfs;
    this.#current.count += 1;
  }

  /** The clock was set back: hours that it says are yet to come are forgotten. */
  rewind(startMs: number): void {
    const hour = Math.floor(startMs / hourMs);
    if (this.#current === undefined || this.#current.hour <= hour) return;
    this.#current = undefined;
    this.#hours = this.#hours.filter((entry) => entry.hour <= hour);
    this.#settle();
  }

  /** dBFS; `undefined` until three hours are known. */
  get usualDbfs(): number | undefined {
    return this.#usualDbfs;
  }

  #closeHour({ hour, levels }: { readonly hour: number; readonly levels: readonly number[] }): void {
    this.#hours = [...this.#hours.filter((entry) => entry.hour !== hour), { hour, medianDbfs: medianOf(levels) }];
    this.#settle();
  }

  #settle(): void {
    const newest = this.#hours.at(-1)?.hour ?? 0;
    this.#hours = this.#hours.filter(({ hour }) => hour > newest - maxHourCount);
    const known = this.#hours.length >= minHourCount;
    this.#usualDbfs = known ? medianOf(this.#hours.map(({ medianDbfs }) => medianDbfs)) : undefined;
  }
}

/** @param values - at least one */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
