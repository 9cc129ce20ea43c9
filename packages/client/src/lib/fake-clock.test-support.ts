import type { SessionClock } from "./session-clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved. */
export class FakeClock implements SessionClock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<Timer>();

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - 1_699_999_000_000;
  }

  startTimer(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves on and runs the timers that become due, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let timer = this.#firstDue(untilMs); timer !== undefined; timer = this.#firstDue(untilMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.run();
    }
    this.#nowMs = untilMs;
  }

  /** Moves on to the next timer and runs it. @returns false when none is set */
  advanceToNext(): boolean {
    const next = this.#firstDue(Number.POSITIVE_INFINITY);
    if (next !== undefined) this.advance(next.dueMs - this.#nowMs);
    return next !== undefined;
  }

  #firstDue(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }
}
