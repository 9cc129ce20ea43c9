/** Gathers what comes within a short window, to be taken at once. */
export class Gathered<T> {
  readonly #take: (items: readonly T[]) => void;
  readonly #windowMs: number;
  readonly #limit: number;
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param take - must not throw
   * @param windowMs - longest time from an item to when it is taken
   * @param limit - so many are taken at once without waiting
   */
  constructor(take: (items: readonly T[]) => void, { windowMs, limit }: { windowMs: number; limit: number }) {
    this.#take = take;
    this.#windowMs = windowMs;
    this.#limit = limit;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= this.#limit) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#windowMs);
  }

  /** Has what was gathered taken now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#take(items);
  }
}
