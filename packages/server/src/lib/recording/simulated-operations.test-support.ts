import type { FakeClock } from "./recording.test-support.ts";

/** How long what a machine does takes: almost nothing, up to a second, or mostly little and sometimes seconds. */
export type Pace = "quick" | "slow" | "uneven";

interface Pending {
  readonly dueMs: number;
  readonly complete: () => void;
  readonly onLost: () => void;
}

export interface OperationOptions {
  /** Shortest time; default 0. */
  readonly minMs?: number;
  /** Called instead of the work when the machine stops in the middle of it. */
  readonly onLost?: () => void;
}

/** What a simulated machine is about to do: each thing is done at its time of a fake clock, whatever was begun before. */
export class SimulatedOperations {
  readonly #clock: FakeClock;
  readonly #random: () => number;
  #pending: Pending[] = [];
  /** Counts all that was ever begun. */
  startedCount = 0;
  pace: Pace = "quick";

  /** @param random - gives numbers from 0 up to 1 */
  constructor(clock: FakeClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Does `work` when its time has come. @returns what it returned or has thrown */
  run<T>(work: () => T, { minMs = 0, onLost = () => {} }: OperationOptions = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const complete = () => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    };
    this.#pending.push({ dueMs: this.#clock.nowMs + minMs + this.#takesMs(), complete, onLost });
    this.startedCount += 1;
    return promise;
  }

  #takesMs(): number {
    const [chance, part] = [this.#random(), this.#random()];
    if (this.pace === "quick") return Math.floor(part * 3);
    if (this.pace === "slow") return Math.floor(part * 900);
    return Math.floor(part * (chance < 0.8 ? 6 : 3_000));
  }

  /** When the next thing is done; `Infinity` when nothing is under way. */
  get nextDueMs(): number {
    return this.#pending.reduce((least, { dueMs }) => Math.min(least, dueMs), Infinity);
  }

  /** Does the first thing that is due. @returns whether there was one */
  completeNext(): boolean {
    const dueMs = this.nextDueMs;
    if (dueMs > this.#clock.nowMs) return false;
    const [next] = this.#pending.splice(
      this.#pending.findIndex((pending) => pending.dueMs === dueMs),
      1,
    );
    next?.complete();
    return true;
  }

  /** The machine stops: nothing that is under way comes to its end. */
  loseAll(): void {
    const lost = this.#pending;
    this.#pending = [];
    for (const { onLost } of lost) onLost();
  }
}
