import { type BackoffOptions, fullJitterMs } from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";

/** Devices whose deliveries fail in a row until the receiver is taken for down: fewer may have events it does not like. */
const failedDeviceLimit = 4;

/** Wait before the first probe; doubles, on average, with each one that fails. */
const baseMs = 2_000;

/** Longest wait between probes: so much later it is noticed that the receiver is back. */
const capMs = 60_000;

interface Outage {
  /** Probes that failed. */
  probeCount: number;
  /** When the next probe may begin. */
  dueMs: number;
  /** The delivery that is on its way to see whether the receiver is back. */
  probeId: number | undefined;
}

/**
 * Keeps deliveries from a receiver that is down: one at a time is tried, with growing waits in between, while those of all
 * other devices wait without an attempt. Without it each device would try for itself.
 */
export class DeliveryBreaker {
  readonly #backoff: BackoffOptions;
  readonly #failedDevices = new Set<string | null>();
  #outage: Outage | undefined;

  /** @param random - uniform in [0, 1) */
  constructor(random: () => number) {
    this.#backoff = { baseMs, capMs, random };
  }

  /** True while the receiver is taken for down. */
  get isOpen(): boolean {
    return this.#outage !== undefined;
  }

  /** How many attempts may begin now. @param free - as far as others allow */
  permits(free: number, nowMs: MonotonicMs): number {
    if (this.#outage === undefined) return free;
    const { probeId, dueMs } = this.#outage;
    return probeId === undefined && nowMs >= dueMs ? Math.min(1, free) : 0;
  }

  /** Until the next probe may begin, ms; `undefined` while one is on its way. 0 when nothing stands in the way. */
  waitMs(nowMs: MonotonicMs): number | undefined {
    if (this.#outage === undefined) return 0;
    return this.#outage.probeId === undefined ? Math.max(0, this.#outage.dueMs - nowMs) : undefined;
  }

  /** An attempt begins. */
  started(deliveryId: number): void {
    if (this.#outage !== undefined) this.#outage.probeId = deliveryId;
  }

  /** The receiver has given an answer that settles a delivery. */
  succeeded(): void {
    this.#outage = undefined;
    this.#failedDevices.clear();
  }

  /** An attempt was broken off, which says nothing of the receiver. */
  abandoned(deliveryId: number): void {
    if (this.#outage?.probeId === deliveryId) this.#outage.probeId = undefined;
  }

  /**
   * An attempt failed.
   *
   * @param retryAfterMs - what the receiver asks for
   * @returns true when it is by this that the receiver is taken for down
   */
  failed(deliveryId: number, hwid: string | null, nowMs: MonotonicMs, retryAfterMs: number): boolean {
    const outage = this.#outage;
    if (outage === undefined) {
      this.#failedDevices.add(hwid);
      if (this.#failedDevices.size < failedDeviceLimit) return false;
      this.#outage = { probeCount: 0, dueMs: nowMs + this.#nextWaitMs(0, retryAfterMs), probeId: undefined };
      return true;
    }
    // Others had begun before it was taken for down.
    if (outage.probeId !== deliveryId) return false;
    outage.probeId = undefined;
    outage.probeCount += 1;
    outage.dueMs = nowMs + this.#nextWaitMs(outage.probeCount, retryAfterMs);
    return false;
  }

  #nextWaitMs(probeCount: number, retryAfterMs: number): number {
    return Math.max(fullJitterMs(probeCount, this.#backoff), retryAfterMs);
  }
}
