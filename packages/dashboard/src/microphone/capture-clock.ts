/** When a sample was captured, as the SDK takes it. */
export interface CaptureMoment {
  /** Wall clock, ms since 1970. */
  readonly captureMs: number;
  /** A clock that never jumps, microseconds. */
  readonly captureUs: number;
}

/** Audio within which the piece counts that came with the least delay. */
const windowS = 10;

/**
 * Tells when samples were captured from when the page learnt of them. Pieces come late by some ms, each by another amount,
 * and never early: the least delayed of the last seconds tells of all of them. What is left is how the input's clock runs
 * against the machine's, which the server measures by it.
 */
export class CaptureClock {
  readonly #rateHz: number;
  #sampleCount = 0;
  /** Of the current half of the window, and of the one before: clock at sample 0 as it would follow, ms. */
  #leastMs = Number.POSITIVE_INFINITY;
  #earlierMs = Number.POSITIVE_INFINITY;
  #halfEnd: number;

  /** @param rateHz - of the samples that are noted */
  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    this.#halfEnd = (windowS / 2) * rateHz;
  }

  /**
   * Takes a piece.
   *
   * @param endMs - wall clock behind its last sample, ms since 1970
   * @param aheadMs - how far the wall clock is ahead of the one that never jumps, now
   * @returns when its first sample was captured
   */
  note(sampleCount: number, endMs: number, aheadMs: number): CaptureMoment {
    const firstMs = (this.#sampleCount / this.#rateHz) * 1000;
    this.#sampleCount += sampleCount;
    if (this.#sampleCount > this.#halfEnd) {
      this.#halfEnd += (windowS / 2) * this.#rateHz;
      this.#earlierMs = this.#leastMs;
      this.#leastMs = Number.POSITIVE_INFINITY;
    }
    const originMs = endMs - aheadMs - (this.#sampleCount / this.#rateHz) * 1000;
    this.#leastMs = Math.min(this.#leastMs, originMs);
    const capturedMs = Math.max(0, Math.min(this.#leastMs, this.#earlierMs) + firstMs);
    return { captureMs: capturedMs + aheadMs, captureUs: capturedMs * 1000 };
  }
}
