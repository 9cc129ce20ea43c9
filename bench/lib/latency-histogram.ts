const bucketMs = 1;
const bucketCount = 60_000;

/** Latencies in steps of a millisecond, up to a minute. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(bucketCount);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(latencyMs: number): void {
    const bucket = Math.min(bucketCount - 1, Math.max(0, Math.floor(latencyMs / bucketMs)));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  /**
   * @param share - 0 to 1
   * @returns milliseconds that this share of the latencies stays below; `NaN` when there are none
   */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#count * share);
    if (left === 0) return Number.NaN;
    const bucket = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return (bucket + 1) * bucketMs;
  }
}
