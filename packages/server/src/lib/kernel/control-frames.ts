/** Counts the PING and PONG of one connection: each costs an answer or a look, and no device needs many. */
export class ControlFrames {
  readonly #maxCount: number;
  #count = 0;

  /** @param maxCount - allowed from one {@link sweep} to the next */
  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  /** Counts one. @returns false for the first that is too many */
  take(): boolean {
    this.#count += 1;
    return this.#count !== this.#maxCount + 1;
  }

  /** Begins to count anew. */
  sweep(): void {
    this.#count = 0;
  }
}
