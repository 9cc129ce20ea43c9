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

export interface WriteBatchOptions {
  /** Longest time from a write to its commit. */
  readonly windowMs: number;
  /** The write that makes the batch this long commits it at once. */
  readonly limit: number;
  /** Makes what was committed durable: writes are done only then. Left out: with the commit. */
  readonly secure?: () => Promise<void>;
}

/** Gathers writes of a short window into one transaction. Never holds more than `limit` of them. */
export class WriteBatch {
  readonly #commit: CommitWrites;
  readonly #windowMs: number;
  readonly #limit: number;
  readonly #secure: (() => Promise<void>) | undefined;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(commit: CommitWrites, { windowMs, limit, secure }: WriteBatchOptions) {
    this.#commit = commit;
    this.#windowMs = windowMs;
    this.#limit = limit;
    this.#secure = secure;
  }

  /** @returns a promise that settles once the write is committed (and durable where that is wanted) or has failed */
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
      const committed = batch.filter(({ settled }, index) => {
        const error = errors[index];
        if (error !== undefined) settled.reject(error);
        return error === undefined;
      });
      this.#settle(committed);
    } catch (error) {
      rejectAll(batch, error);
    }
  }

  #settle(committed: readonly Waiting[]): void {
    const resolveAll = () => {
      for (const { settled } of committed) settled.resolve();
    };
    if (this.#secure === undefined || committed.length === 0) resolveAll();
    else this.#secure().then(resolveAll, (error: unknown) => rejectAll(committed, error));
  }
}

function rejectAll(writes: readonly Waiting[], error: unknown): void {
  for (const { settled } of writes) settled.reject(error);
}
