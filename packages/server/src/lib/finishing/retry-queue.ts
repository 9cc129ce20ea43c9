/** How long work waits that failed. */
export interface RetryDelays {
  /** Before the first try. */
  readonly firstMs: number;
  /** The wait doubles with each try that fails, up to this. */
  readonly longestMs: number;
}

/**
 * Work that failed for a reason that passes, as a full disk does. While it lasts it fails one as all: so a single one is
 * tried at a time, each time another, and the first that does not fail takes the rest along. The owner bounds the number.
 */
export class RetryQueue<T> {
  readonly #delays: RetryDelays;
  readonly #retry: (item: T) => Promise<boolean>;
  #waiting: T[] = [];
  #delayMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isTrying = false;
  #isClosed = false;

  /** @param retry - resolves to false when the item has to be tried again; never rejects */
  constructor(delays: RetryDelays, retry: (item: T) => Promise<boolean>) {
    this.#delays = delays;
    this.#delayMs = delays.firstMs;
    this.#retry = retry;
  }

  /** Items that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Takes up what has failed; after {@link close} nothing. */
  add(item: T): void {
    if (this.#isClosed) return;
    this.#waiting.push(item);
    this.#schedule();
  }

  /** Forgets what waits. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isTrying || this.#isClosed || this.#waiting.length === 0) return;
    this.#timer ??= setTimeout(() => void this.#tryOldest(), this.#delayMs);
  }

  async #tryOldest(): Promise<void> {
    this.#timer = undefined;
    const item = this.#waiting.shift();
    if (item === undefined) return;
    this.#isTrying = true;
    const isOver = await this.#retry(item);
    this.#isTrying = false;
    if (isOver) this.#tryRest();
    else {
      this.#delayMs = Math.min(this.#delayMs * 2, this.#delays.longestMs);
      this.add(item);
    }
    this.#schedule();
  }

  #tryRest(): void {
    this.#delayMs = this.#delays.firstMs;
    const rest = this.#waiting;
    this.#waiting = [];
    for (const item of rest) {
      void this.#retry(item).then((isOver) => {
        if (!isOver) this.add(item);
      });
    }
  }
}
