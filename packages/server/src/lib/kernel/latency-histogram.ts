/** Upper bounds of the buckets, ms: from a fast disk to one that hangs. */
const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** Durations as a histogram: what it takes to note one is a few comparisons. */
export class LatencyHistogram {
  /** Durations up to each bound that are above the one before; the last counts those above all. */
  readonly #counts = new Float64Array(boundsMs.length + 1);
  #sumMs = 0;

  /** @param durationMs - 0 or more */
  observe(durationMs: number): void {
    let bucket = 0;
    while (bucket < boundsMs.length && durationMs > (boundsMs[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += durationMs;
  }

  /** What was noted so far. */
  read(): LatencyFigures {
    let count = 0;
    const buckets = boundsMs.map((boundMs, index) => {
      count += this.#counts[index] ?? 0;
      return { boundMs, count };
    });
    return { buckets, count: count + (this.#counts[boundsMs.length] ?? 0), sumMs: this.#sumMs };
  }
}

/** A histogram at a moment. */
export interface LatencyFigures {
  /** How many took at most so long, by growing bounds. */
  readonly buckets: readonly { readonly boundMs: number; readonly count: number }[];
  readonly count: number;
  readonly sumMs: number;
}
