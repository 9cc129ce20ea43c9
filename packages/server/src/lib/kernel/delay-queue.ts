import type { Clock } from "./clock.ts";

/** How often the timer looks; {@link DelayQueue.delayMs} allows for it. */
const tickIntervalMs = 25;

/** Something that waits for its time. */
export interface Delayed {
  /** Called once, when its time has come. */
  delayOver(): void;
}

/**
 * One timer for many that wait equally long: the queue is ordered by itself and a tick looks only at those whose time
 * has come, however many there are.
 */
export class DelayQueue {
  readonly #clock: Clock;
  /** Longest wait. */
  readonly delayMs: number;
  #queue: { readonly delayed: Delayed; readonly dueMs: number }[] = [];
  #head = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs - see {@link delayMs}; at least 25 */
  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.delayMs = delayMs;
  }

  /** Calls `delayed.delayOver()` once, within `delayMs`. */
  schedule(delayed: Delayed): void {
    this.#queue.push({ delayed, dueMs: this.#clock.monotonicMs() + this.delayMs - tickIntervalMs });
    this.#timer ??= setInterval(() => this.#tick(), tickIntervalMs);
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let entry = this.#queue[this.#head]; entry !== undefined && entry.dueMs <= nowMs; ) {
      this.#head += 1;
      entry.delayed.delayOver();
      entry = this.#queue[this.#head];
    }
    if (this.#head === this.#queue.length) this.close();
    else if (this.#head > 1024) this.#dropTaken();
  }

  #dropTaken(): void {
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }

  /** Forgets what waits and stops the timer; `schedule` starts it again. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
    this.#head = 0;
  }
}
