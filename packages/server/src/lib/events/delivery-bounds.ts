import type { DeliveryQueue } from "../catalog/delivery-queue.ts";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";

const intervalMs = 60_000;

export interface DeliveryBoundsOptions {
  readonly queue: Pick<DeliveryQueue, "counts" | "giveUp">;
  /** Deliveries that may wait for one target. */
  readonly maxPendingCount: number;
  readonly log: Log;
}

/**
 * Keeps the queue of each target below a count, whatever became of the target: the oldest of what is too much goes to the
 * dead letters, once a minute.
 */
export class DeliveryBounds {
  readonly #options: DeliveryBoundsOptions;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;
  #maxPendingCount: number;

  constructor(options: DeliveryBoundsOptions) {
    this.#options = options;
    this.#maxPendingCount = options.maxPendingCount;
  }

  /** Holds another count from the next look on. */
  change(maxPendingCount: number): void {
    this.#maxPendingCount = maxPendingCount;
  }

  start(): void {
    this.#timer = setInterval(() => void this.enforce(), intervalMs);
  }

  /** Does it now, after what is at work. Never rejects. */
  enforce(): Promise<void> {
    this.#working = this.#working.then(() => this.#enforce());
    return this.#working;
  }

  /** What is at work ends with the catalogue, if not before. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  async #enforce(): Promise<void> {
    if (this.#isClosed) return;
    const { queue, log } = this.#options;
    const maxPendingCount = this.#maxPendingCount;
    const reason = `more than ${maxPendingCount} events waited (Events:DeliveryMaxPending)`;
    try {
      for (const { target, pending } of queue.counts()) {
        if (pending <= maxPendingCount) continue;
        const count = await queue.giveUp(target, { keepCount: maxPendingCount, reason });
        log.error({ target, events: count, reason }, "deliveries were given up: `eet events replay` sends them again");
      }
    } catch (thrown) {
      if (systemErrorCode(thrown) === "SHUTTING_DOWN") return;
      log.error({ error: toError(thrown).message }, "the bound of the delivery queues fails; tried again in a minute");
    }
  }
}
