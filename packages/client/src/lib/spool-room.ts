/** The bound that all journals of a spool share, and the wait for it. */
export class SpoolRoom {
  readonly maxBytes: number;
  #usedBytes = 0;
  #change: PromiseWithResolvers<void> | undefined;
  readonly #reclaim: () => void;

  /** @param reclaim - asked to give back, soon, what is used for nothing */
  constructor(maxBytes: number, reclaim: () => void) {
    this.maxBytes = maxBytes;
    this.#reclaim = reclaim;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  fits(byteCount: number): boolean {
    return this.#usedBytes + byteCount <= this.maxBytes;
  }

  take(byteCount: number): void {
    this.#usedBytes += byteCount;
  }

  give(byteCount: number): void {
    this.#usedBytes -= byteCount;
    this.notify();
  }

  reclaim(): void {
    this.#reclaim();
  }

  /** Something changed for those who wait. */
  notify(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** Resolves at the next change. */
  wait(): Promise<void> {
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }
}
