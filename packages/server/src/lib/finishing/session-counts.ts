/** Numbers by session; a session without any takes no room. */
export class SessionCounts {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** Of all sessions. */
  get total(): number {
    return this.#total;
  }

  has(session: string): boolean {
    return this.#counts.has(session);
  }

  increment(session: string): void {
    this.#total += 1;
    this.#counts.set(session, (this.#counts.get(session) ?? 0) + 1);
  }

  /** Takes back one {@link increment}. */
  decrement(session: string): void {
    const count = this.#counts.get(session);
    if (count === undefined) return;
    this.#total -= 1;
    if (count === 1) this.#counts.delete(session);
    else this.#counts.set(session, count - 1);
  }
}
