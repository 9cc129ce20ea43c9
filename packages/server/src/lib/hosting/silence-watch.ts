import type { Clock } from "../kernel/clock.ts";

export interface SilenceWatchOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Time without a word after which somebody counts as hung. */
  readonly maxSilenceMs: number;
  /** Called once. */
  readonly onSilent: () => void;
}

/** Looks in so much time. */
const lookCount = 10;

/**
 * Notices that another process, which says something each second, says nothing any more.
 *
 * Time counts only as far as this process was there to listen: however late a look comes, it counts as one interval. So
 * neither a machine that was suspended nor a process here that stood still makes another one look silent, and where the
 * processor is short, and looks come late, the other one gets longer, too.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #intervalMs: number;
  readonly #timer: NodeJS.Timeout;
  #maxSilenceMs: number;
  #silentMs = 0;
  #lookedMs: number;

  /** @param firstMs - time for the first word */
  constructor(options: SilenceWatchOptions, firstMs: number) {
    this.#options = options;
    this.#intervalMs = options.maxSilenceMs / lookCount;
    this.#maxSilenceMs = firstMs;
    this.#lookedMs = options.clock.monotonicMs();
    this.#timer = setInterval(() => this.#look(), this.#intervalMs);
    this.#timer.unref();
  }

  /** It has said something. */
  hear(): void {
    this.#silentMs = 0;
    this.#maxSilenceMs = this.#options.maxSilenceMs;
  }

  /** Looks no more. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#silentMs += Math.min(nowMs - this.#lookedMs, this.#intervalMs);
    this.#lookedMs = nowMs;
    if (this.#silentMs < this.#maxSilenceMs) return;
    this.close();
    this.#options.onSilent();
  }
}
