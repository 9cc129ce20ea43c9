/** Counts how much of something there is by key; what is gone takes no memory. */
export class KeyedCounts<Key> {
  readonly #counts = new Map<Key, number>();

  /** How much there is of a key. */
  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  /** The largest count; 0 for none. */
  get largest(): number {
    let largest = 0;
    for (const count of this.#counts.values()) largest = Math.max(largest, count);
    return largest;
  }

  /** Counts one in. @returns counts it out again; may be called more than once */
  add(key: Key): () => void {
    this.#counts.set(key, this.of(key) + 1);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const left = this.of(key) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }
}
