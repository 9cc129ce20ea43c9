import type { MonotonicMs } from "../kernel/clock.ts";

const windowMs = 10_000;
const maxWindowCount = 128;
/** Windows that make the 60 s after which an estimate is given. */
const minWindowCount = 6;
/** Windows between two computations: each compares all pairs. */
const computeEvery = 6;
/** Frames that come faster or slower than this against the wall are not live: a file, a backlog, a device that pauses. */
const maxRateRatio = 2.2;

/** The frame of a window that was delayed least. */
interface LeastDelayed {
  readonly mediaMs: number;
  /** Arrival less media time. */
  offsetMs: number;
}

/**
 * Estimates how fast a device's sample clock runs against the server's monotonic one. Of each 10 s the frame that was
 * delayed least counts, and over those the median of all pairwise slopes (Theil 1950, Sen 1968), which up to 29 % of
 * outliers, such as a drained backlog, do not move.
 */
export class DriftEstimator {
  readonly #windows: LeastDelayed[] = [];
  #current: LeastDelayed | undefined;
  #windowEndMs = 0;
  #closedCount = 0;
  #ppm: number | null = null;

  /** How many millionths faster than declared the device samples; `null` in the first 60 s, and while it is not live. */
  get ppm(): number | null {
    return this.#ppm;
  }

  /**
   * Takes a frame's arrival.
   *
   * @param mediaMs - position of the frame's end in the session
   */
  push(nowMs: MonotonicMs, mediaMs: number): void {
    const offsetMs = nowMs - mediaMs;
    if (this.#current === undefined || nowMs >= this.#windowEndMs) {
      this.#closeWindow();
      this.#windowEndMs = nowMs + windowMs;
      this.#current = { mediaMs, offsetMs };
    } else if (offsetMs < this.#current.offsetMs) {
      this.#current = { mediaMs, offsetMs };
    }
  }

  /** Forgets everything: the device was silent, its media time stood still meanwhile. */
  reset(): void {
    this.#windows.length = 0;
    this.#current = undefined;
    this.#closedCount = 0;
    this.#ppm = null;
  }

  #closeWindow(): void {
    if (this.#current === undefined) return;
    this.#windows.push(this.#current);
    if (this.#windows.length > maxWindowCount) this.#windows.shift();
    this.#closedCount += 1;
    if (this.#windows.length >= minWindowCount && this.#closedCount % computeEvery === 0) this.#ppm = this.#estimate();
  }

  #estimate(): number | null {
    const slopes = new Float64Array((this.#windows.length * (this.#windows.length - 1)) / 2);
    let count = 0;
    for (const [index, late] of this.#windows.entries()) {
      for (let before = 0; before < index; before++) {
        const early = this.#windows[before];
        if (early === undefined || late.mediaMs <= early.mediaMs) continue;
        slopes[count++] = (late.offsetMs - early.offsetMs) / (late.mediaMs - early.mediaMs);
      }
    }
    const slope = median(slopes.subarray(0, count));
    if (slope === undefined) return null;
    // Media time per arrival time.
    const rateRatio = 1 / (1 + slope);
    if (!(rateRatio < maxRateRatio && rateRatio > 1 / maxRateRatio)) return null;
    return Math.round((rateRatio - 1) * 1e8) / 100;
  }
}

/** @param values - sorted by this call */
function median(values: Float64Array): number | undefined {
  values.sort();
  const middle = values.length >> 1;
  const upper = values[middle];
  const lower = values[values.length % 2 === 0 ? middle - 1 : middle];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}
