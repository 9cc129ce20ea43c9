import type { Clock } from "../kernel/clock.ts";

/** How often the timer looks; {@link FlushScheduler.delayMs} allows for it. */
const tickIntervalMs = 25;

/** Something with bytes to bring to disk. */
export interface Flushable {
  /** Called once, when its time has come. */
  flushDue(): void;
}

/**
 * One timer for all streams. Every stream waits equally long, so the queue is ordered by itself and a tick looks only
 * at those that are due, however many there are. [S-2.1]
 */
export class FlushScheduler {
  readonly #clock: Clock;
  /** Bytes are gathered for this long at most. */
  readonly delayMs: number;
  #queue: { readonly flushable: Flushable; readonly dueMs: number }[] = [];
  #head = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs - see {@link delayMs}; at least 25 */
  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.delayMs = delayMs;
  }

  /** Calls `flushable.flushDue()` once, within `delayMs`. */
  schedule(flushable: Flushable): void {
    this.#queue.push({ flushable, dueMs: this.#clock.monotonicMs() + this.delayMs - tickIntervalMs });
    this.#timer ??= setInterval(() => this.#tick(), tickIntervalMs);
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let entry = this.#queue[this.#head]; entry !== undefined && entry.dueMs <= nowMs; ) {
      this.#head += 1;
      entry.flushable.flushDue();
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
