/** A write that waits for its transaction. */
export type Write = () => void;

/**
 * Runs the writes in one transaction; gives for each the error that it alone failed with, else `undefined`. Throws when
 * the transaction failed as a whole.
 */
export type CommitWrites = (writes: readonly Write[]) => readonly (Error | undefined)[];

interface Waiting {
  readonly write: Write;
  readonly settled: PromiseWithResolvers<void>;
}

/** Gathers writes of a short window into one transaction. Never holds more than `limit` of them. */
export class WriteBatch {
  readonly #commit: CommitWrites;
  readonly #windowMs: number;
  readonly #limit: number;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param windowMs - longest time from a write to its commit
   * @param limit - the write that makes the batch this long commits it at once
   */
  constructor(commit: CommitWrites, { windowMs, limit }: { windowMs: number; limit: number }) {
    this.#commit = commit;
    this.#windowMs = windowMs;
    this.#limit = limit;
  }

  /** @returns a promise that settles once the write is committed or has failed */
  add(write: Write): Promise<void> {
    const settled = Promise.withResolvers<void>();
    this.#waiting.push({ write, settled });
    if (this.#waiting.length >= this.#limit) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#windowMs);
    return settled.promise;
  }

  /** Commits what waits, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    try {
      const errors = this.#commit(batch.map(({ write }) => write));
      for (const [index, { settled }] of batch.entries()) {
        const error = errors[index];
        if (error === undefined) settled.resolve();
        else settled.reject(error);
      }
    } catch (error) {
      for (const { settled } of batch) settled.reject(error);
    }
  }
}
