import { segmentsPerThread } from "./spread-out.ts";

/**
 * Lets segments that an earlier run left be derived by all threads, first those of sessions that somebody waits for. A
 * few at a time, so that what is recorded meanwhile stands behind few of them and not behind all.
 */
export class RecoveredPace {
  /** Segments at work at most. */
  readonly maxCount: number;
  /** By session, in the order in which they came. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #preferred = new Set<string>();
  #runningCount = 0;
  #waitingCount = 0;

  /** @param threadCount - threads that there are */
  constructor(threadCount: number) {
    this.maxCount = threadCount * segmentsPerThread;
  }

  /** Segments whose turn has not come. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Runs `work` for a session in its turn. */
  async run<T>(session: string, work: () => Promise<T>): Promise<T> {
    if (this.#runningCount < this.maxCount) this.#runningCount += 1;
    else await this.#wait(session);
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  /** Lets a session go first until `settled` resolves. */
  async prefer(session: string, settled: Promise<unknown>): Promise<void> {
    this.#preferred.add(session);
    await settled;
    this.#preferred.delete(session);
  }

  #wait(session: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waitingCount += 1;
    const waiting = this.#waiting.get(session);
    if (waiting === undefined) this.#waiting.set(session, [resolve]);
    else waiting.push(resolve);
    return promise;
  }

  /** Gives the place of one that is through to the next. */
  #passOn(): void {
    const session = this.#nextSession();
    const waiting = session === undefined ? undefined : this.#waiting.get(session);
    const next = waiting?.shift();
    if (session !== undefined && waiting?.length === 0) this.#waiting.delete(session);
    if (next === undefined) this.#runningCount -= 1;
    else {
      this.#waitingCount -= 1;
      next();
    }
  }

  #nextSession(): string | undefined {
    for (const session of this.#preferred) if (this.#waiting.has(session)) return session;
    const [first] = this.#waiting.keys();
    return first;
  }
}
