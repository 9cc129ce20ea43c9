import { addressKeyOf } from "../kernel/client-address.ts";
import type { Clock } from "../kernel/clock.ts";

/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const maxAddressCount = 10_000;

export interface FailureLimitOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Failures in a window after which an address has to wait, asked for each time. */
  readonly maxCount: () => number;
  /** Default: a minute. */
  readonly windowMs?: number;
}

/**
 * Counts failures per address, of IPv6 per /64. All clients of this machine are one: a proxy that nobody named brings
 * strangers from there, too.
 */
export class FailureLimit {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #maxCount: () => number;
  readonly #windowMs: number;
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor({ clock, maxCount, windowMs = 60_000 }: FailureLimitOptions) {
    this.#clock = clock;
    this.#maxCount = maxCount;
    this.#windowMs = windowMs;
  }

  /** Seconds for which an address has to wait; 0: none. */
  waitS(address: string): number {
    const found = this.#failures.get(keyOf(address));
    if (found === undefined || found.count < this.#maxCount()) return 0;
    return Math.max(0, Math.ceil((found.sinceMs + this.#windowMs - this.#clock.monotonicMs()) / 1000));
  }

  /** Counts a failure. */
  note(address: string): void {
    const nowMs = this.#clock.monotonicMs();
    const key = keyOf(address);
    const found = this.#failures.get(key);
    if (found !== undefined && nowMs < found.sinceMs + this.#windowMs) {
      found.count += 1;
      return;
    }
    this.#failures.delete(key);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= maxAddressCount && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(key, { count: 1, sinceMs: nowMs });
  }
}

function keyOf(address: string): string {
  return addressKeyOf(address) ?? "this machine";
}
