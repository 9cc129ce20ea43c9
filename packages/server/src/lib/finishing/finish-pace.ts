/** Segments that wait for each one that is derived beside the first. */
const waitingPerThread = 750;

/**
 * Bounds how many segments of running sessions are derived at once. Streams that began together end their segments
 * together; deriving all of them at once would keep the disk from the frames that come meanwhile, and their
 * acknowledgements would be late. So one thread does it, and more help only where many wait.
 */
export class FinishPace {
  readonly #maxCount: number;
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;
  #isUrgent = false;

  /** @param maxCount - threads that there are */
  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  /** Runs `work` in its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#runningCount >= this.#allowedCount) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#runningCount += 1;
    try {
      return await work();
    } finally {
      this.#runningCount -= 1;
      this.#admit();
    }
  }

  /** From now on as many as there are threads: the server waits for them. */
  hurry(): void {
    this.#isUrgent = true;
    this.#admit();
  }

  get #allowedCount(): number {
    if (this.#isUrgent) return this.#maxCount;
    return Math.min(this.#maxCount, 1 + Math.floor(this.#waiting.length / waitingPerThread));
  }

  #admit(): void {
    // Those that are admitted count as running only when they have had their turn.
    for (let free = this.#allowedCount - this.#runningCount; free > 0; free--) this.#waiting.shift()?.();
  }
}
