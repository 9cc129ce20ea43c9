import { type BackoffOptions, fullJitterMs } from "@eet/protocol";
import type { DeliveryQueue, EventDelivery } from "../catalog/delivery-queue.ts";
import { type Clock, type MonotonicMs, systemClock } from "../kernel/clock.ts";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { DeliveryBreaker } from "./delivery-breaker.ts";

/** What became of one attempt. */
export type DeliveryOutcome =
  | { readonly kind: "delivered" }
  /** @see {@link DeliveryFailed.retryAfterMs} */
  | DeliveryFailed;

/** An attempt that failed. */
export interface DeliveryFailed {
  readonly kind: "failed";
  /** For people, without secrets. */
  readonly reason: string;
  /** No use to try again. */
  readonly isFinal?: boolean;
  /** The receiver asked for a wait of at least this. */
  readonly retryAfterMs?: number;
}

/** How often and for how long a delivery is tried. */
export interface DeliveryRetry {
  /** Upper bound of the first wait; doubles with each attempt. */
  readonly baseMs: number;
  /** Upper bound of every wait. */
  readonly capMs: number;
  /**
   * After its first failure a delivery is given up when this has passed; with it all that are older than this, when the
   * receiver has taken nothing for an hour (or for this, if it is less). The latter are, too, when it has taken nothing for
   * this long.
   */
  readonly maxAgeMs: number;
  /** Attempts; default: no limit but the time. */
  readonly maxAttempts?: number;
}

/** What a {@link DeliveryWorker} works with. */
export interface DeliveryWorkerOptions {
  readonly queue: Pick<DeliveryQueue, "claim" | "markDelivered" | "markFailed" | "release" | "giveUp" | "nextDueMs">;
  readonly target: string;
  /** One attempt; ends soon after the signal is given. May reject: that counts as a failure. */
  readonly deliver: (delivery: EventDelivery, signal: AbortSignal) => Promise<DeliveryOutcome>;
  /** Attempts at the same time. */
  readonly maxInFlight: number;
  readonly retry: DeliveryRetry;
  /** Whether a receiver that fails for several devices in a row is left alone but for one probe at a time. Default: no. */
  readonly isGuarded?: boolean;
  readonly log: Log;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

interface Flight {
  readonly abort: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
}

// Longest sleep: timers run on another clock than the queue, and that one may be set.
const maxSleepMs = 60_000;

/** A receiver that has taken nothing for so long is not merely busy. */
const maxSilenceMs = 3_600_000;

/**
 * Takes a target's deliveries from the durable queue to where they go, some at a time, and each device's one after the
 * other. What fails is tried again with growing waits, then given up. A receiver that is down gets one delivery at a time
 * ({@link DeliveryBreaker}), so that a whole fleet's do not each find out for themselves. In memory is only what is in
 * flight.
 */
export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions;
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  readonly #breaker: DeliveryBreaker | undefined;
  readonly #flights = new Map<number, Flight>();
  /** Deliveries whose outcome the queue could not note: they are given back, and delivered once more. */
  readonly #unsettled = new Set<number>();
  #state: "new" | "running" | "closed" = "new";
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #failedInRowCount = 0;
  /** Of the last success, or of the start. */
  #heardMs: MonotonicMs;
  #isGivingUp = false;

  constructor(options: DeliveryWorkerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#heardMs = this.#clock.monotonicMs();
    const { baseMs, capMs } = options.retry;
    const { random = Math.random, isGuarded = false } = options;
    this.#backoff = { baseMs, capMs, random };
    this.#breaker = isGuarded ? new DeliveryBreaker(random) : undefined;
  }

  /** Deliveries in flight. */
  get inFlightCount(): number {
    return this.#flights.size;
  }

  /** Begins to work. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#pump();
  }

  /** Says that deliveries may have been queued. Cheap. */
  notify(): void {
    if (this.#flights.size < this.#options.maxInFlight) this.#pump();
  }

  /**
   * Starts nothing new and waits for what is in flight; what is not through in time is given up for this run and tried
   * again by the next. Idempotent; never rejects.
   *
   * @param timeoutMs - longest wait
   */
  close(timeoutMs = 0): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      for (const { abort } of this.#flights.values()) abort.abort();
    }, timeoutMs);
    await Promise.all([...this.#flights.values()].map(({ done }) => done));
    clearTimeout(timer);
    try {
      this.#releaseUnsettled();
    } catch {
      // The next run gives back all that this one has claimed.
    }
  }

  /** Starts what may start, and sets the timer for what may start later. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#state !== "running") return;
    const { queue, target, maxInFlight, log } = this.#options;
    try {
      this.#releaseUnsettled();
      const free = maxInFlight - this.#flights.size;
      const permitted = this.#breaker?.permits(free, this.#clock.monotonicMs()) ?? free;
      const deliveries = permitted > 0 ? queue.claim(target, permitted, this.#clock.wallMs()) : [];
      for (const delivery of deliveries) this.#launch(delivery);
      // With none free, or a probe on its way, the next end of an attempt comes back here.
      const guardMs = this.#breaker === undefined ? 0 : this.#breaker.waitMs(this.#clock.monotonicMs());
      if (this.#flights.size >= maxInFlight || guardMs === undefined) return;
      const dueMs = queue.nextDueMs(target);
      if (dueMs === undefined) return;
      const waitMs = Math.max(guardMs, dueMs - this.#clock.wallMs());
      this.#timer = setTimeout(() => this.#pump(), Math.min(maxSleepMs, Math.ceil(waitMs)));
    } catch (thrown) {
      log.error({ target, error: toError(thrown).message }, "the delivery queue fails; tried again in a minute");
      this.#timer = setTimeout(() => this.#pump(), maxSleepMs);
    }
  }

  #launch(delivery: EventDelivery): void {
    const abort = new AbortController();
    this.#breaker?.started(delivery.deliveryId);
    const done = this.#carry(delivery, abort.signal).finally(() => {
      this.#flights.delete(delivery.deliveryId);
      this.#pump();
    });
    this.#flights.set(delivery.deliveryId, { abort, done });
  }

  /** One attempt from claim to outcome. Never rejects. */
  async #carry(delivery: EventDelivery, signal: AbortSignal): Promise<void> {
    const outcome = await this.#attempt(delivery, signal);
    const { queue, target, log } = this.#options;
    const { deliveryId, event } = delivery;
    try {
      if (outcome.kind === "delivered") {
        this.#noteSuccess();
        queue.markDelivered([deliveryId]);
      } else if (signal.aborted) {
        this.#breaker?.abandoned(deliveryId);
        queue.release([deliveryId]);
      } else this.#fail(delivery, outcome);
    } catch (thrown) {
      this.#unsettled.add(deliveryId);
      const error = toError(thrown).message;
      log.error({ target, eventId: event.id, error }, "the outcome of a delivery could not be noted: it is repeated");
    }
  }

  async #attempt(delivery: EventDelivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    try {
      return await this.#options.deliver(delivery, signal);
    } catch (thrown) {
      return { kind: "failed", reason: toError(thrown).message };
    }
  }

  #fail(delivery: EventDelivery, { reason, isFinal = false, retryAfterMs = 0 }: DeliveryFailed): void {
    const { queue, target, retry, log } = this.#options;
    const { deliveryId, event, attempts, firstFailedMs } = delivery;
    const nowMs = this.#clock.wallMs();
    const isTooOld = nowMs - (firstFailedMs ?? nowMs) >= retry.maxAgeMs;
    const isOver = isFinal || isTooOld || attempts + 1 >= (retry.maxAttempts ?? Infinity);
    // Nobody waits longer because the receiver asks for a year.
    const askedMs = Math.min(retryAfterMs, retry.capMs);
    const waitMs = Math.max(fullJitterMs(attempts, this.#backoff), askedMs);
    this.#noteFailure(delivery, isFinal, askedMs);
    queue.markFailed(deliveryId, { reason, nextTryMs: isOver ? null : nowMs + waitMs });
    const fields = { target, eventId: event.id, type: event.type, hwid: event.hwid, attempts: attempts + 1, reason };
    this.#failedInRowCount += 1;
    if (isOver) log.error(fields, "a delivery was given up: `eet events replay` sends it again");
    this.#giveUpOld(isTooOld);
    if (!isOver)
      log[this.#failedInRowCount === 1 ? "warn" : "debug"]({ ...fields, waitMs }, "a delivery failed: tried again");
  }

  /**
   * Without it a queue would grow for as long as its receiver is down: each delivery has its time from its first attempt on,
   * and most are not even tried.
   */
  #giveUpOld(isTooOld: boolean): void {
    const { queue, target, retry, log } = this.#options;
    const silentMs = this.#clock.monotonicMs() - this.#heardMs;
    const isDown = silentMs >= (isTooOld ? Math.min(retry.maxAgeMs, maxSilenceMs) : retry.maxAgeMs);
    if (!isDown || this.#isGivingUp) return;
    this.#isGivingUp = true;
    const reason = "it waited too long for a receiver that was down";
    const beforeMs = this.#clock.wallMs() - retry.maxAgeMs;
    const givenUp = queue.giveUp(target, { beforeMs, reason });
    givenUp
      .then((count) => {
        if (count === 0) return;
        log.error({ target, events: count, reason }, "deliveries were given up: `eet events replay` sends them again");
      })
      .catch((thrown) => {
        if (systemErrorCode(thrown) === "SHUTTING_DOWN") return;
        log.error({ target, error: toError(thrown).message }, "old deliveries were not given up: they go on waiting");
      })
      .finally(() => {
        this.#isGivingUp = false;
      });
  }

  #noteFailure({ deliveryId, event }: EventDelivery, isFinal: boolean, askedMs: number): void {
    const breaker = this.#breaker;
    // Whoever says that it wants no more of something is there.
    if (isFinal) breaker?.succeeded();
    else if (breaker?.failed(deliveryId, event.hwid, this.#clock.monotonicMs(), askedMs) === true) {
      const { target, log } = this.#options;
      log.warn({ target }, "a receiver is down: one delivery at a time is tried until it is back, the others wait");
    }
  }

  #noteSuccess(): void {
    this.#breaker?.succeeded();
    this.#heardMs = this.#clock.monotonicMs();
    if (this.#failedInRowCount === 0) return;
    const { log, target } = this.#options;
    log.info({ target, failedAttempts: this.#failedInRowCount }, "deliveries go through again");
    this.#failedInRowCount = 0;
  }

  #releaseUnsettled(): void {
    if (this.#unsettled.size === 0) return;
    this.#options.queue.release([...this.#unsettled]);
    this.#unsettled.clear();
  }
}
