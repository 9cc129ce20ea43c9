/** Keeps what was used last, up to a number of bytes; what is asked for twice at a time is fetched once. */
export class RecentValues<Value> {
  readonly #maxBytes: number;
  readonly #bytesOf: (value: Value) => number;
  /** Oldest use first. */
  readonly #entries = new Map<string, Promise<Value>>();
  readonly #lengths = new Map<string, number>();
  #totalBytes = 0;

  constructor(maxBytes: number, bytesOf: (value: Value) => number) {
    this.#maxBytes = maxBytes;
    this.#bytesOf = bytesOf;
  }

  /** @throws what `fetch` rejects with; nothing is kept then */
  async get(key: string, fetch: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return await known;
    }
    const fetching = fetch();
    this.#entries.set(key, fetching);
    try {
      const value = await fetching;
      const bytes = this.#bytesOf(value);
      this.#lengths.set(key, bytes);
      this.#totalBytes += bytes;
      this.#shrink();
      return value;
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  #shrink(): void {
    for (const key of this.#entries.keys()) {
      if (this.#totalBytes <= this.#maxBytes) return;
      const length = this.#lengths.get(key);
      // Still on its way.
      if (length === undefined) continue;
      this.#entries.delete(key);
      this.#lengths.delete(key);
      this.#totalBytes -= length;
    }
  }
}
