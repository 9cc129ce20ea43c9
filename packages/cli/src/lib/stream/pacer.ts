/** Times the frames of many streams by one monotonic clock. */
export class Pacer {
  readonly #frameMs: number;
  readonly #nowMs: () => number;
  /** When the first stream started, less its share of a frame. */
  #originMs: number | undefined;
  readonly #signal: AbortSignal;
  readonly #wakers = new Set<() => void>();

  /**
   * @param frameMs - duration of a frame
   * @param signal - ends all waits, at once and for good
   * @param nowMs - a monotonic clock
   */
  constructor(frameMs: number, signal: AbortSignal, nowMs: () => number = () => performance.now()) {
    this.#frameMs = frameMs;
    this.#nowMs = nowMs;
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const wake of this.#wakers) wake();
    });
  }

  /**
   * When a stream that is ready now sends its first frame: at once for the first stream, for the others at their own place
   * within a frame, so that streams with different shares never send all at once.
   *
   * @param share - 0 to 1
   */
  startMs(share: number): number {
    const nowMs = this.#nowMs();
    this.#originMs ??= nowMs - share * this.#frameMs;
    const firstMs = this.#originMs + share * this.#frameMs;
    const pastFrameCount = Math.max(0, Math.ceil((nowMs - firstMs) / this.#frameMs));
    return firstMs + pastFrameCount * this.#frameMs;
  }

  /**
   * Waits until `dueMs`, to a millisecond; not at all when that has passed.
   *
   * @returns how late it is by then, 0 or more
   */
  async waitUntil(dueMs: number): Promise<number> {
    // Timers count from the start of the event loop's turn, so one that was set late in a long turn fires early.
    for (let leftMs = dueMs - this.#nowMs(); leftMs >= 1 && !this.#signal.aborted; leftMs = dueMs - this.#nowMs()) {
      await this.#sleep(leftMs);
    }
    return Math.max(0, this.#nowMs() - dueMs);
  }

  #sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.ceil(durationMs));
      this.#wakers.add(wake);
    });
  }
}
