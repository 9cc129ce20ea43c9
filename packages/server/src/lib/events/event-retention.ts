import type { EventLog } from "../catalog/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";

const dayMs = 86_400_000;
/** A start has more urgent things to do. */
const firstWaitMs = 60_000;

export interface EventRetentionOptions {
  readonly events: Pick<EventLog, "prune">;
  readonly maxAgeD: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Deletes old events once a day. */
export class EventRetention {
  readonly #options: EventRetentionOptions;
  #maxAgeD: number;
  #timer: NodeJS.Timeout | undefined;
  #pruning: Promise<void> = Promise.resolve();

  constructor(options: EventRetentionOptions) {
    this.#options = options;
    this.#maxAgeD = options.maxAgeD;
  }

  /** Keeps them for another time from the next deletion on. */
  change(maxAgeD: number): void {
    this.#maxAgeD = maxAgeD;
  }

  /** The first time in a minute. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => this.#begin(), dayMs);
      this.#begin();
    }, firstWaitMs);
  }

  /** Deletes what is too old. Never rejects. */
  async prune(): Promise<void> {
    const { events, clock, log } = this.#options;
    const maxAgeD = this.#maxAgeD;
    try {
      const count = await events.prune(clock.wallMs() - maxAgeD * dayMs);
      if (count > 0) log.info({ events: count, maxAgeD }, "old events deleted");
    } catch (thrown) {
      log.warn({ error: toError(thrown).message }, "old events not deleted; tried again tomorrow");
    }
  }

  /** @returns when it is at rest; never rejects */
  close(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#pruning;
  }

  #begin(): void {
    this.#pruning = this.prune();
  }
}
