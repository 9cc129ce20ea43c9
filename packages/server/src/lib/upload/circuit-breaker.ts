import type { MonotonicMs } from "../kernel/clock.ts";
import type { ServerError } from "../kernel/errors.ts";

/** State of the way to the object store. */
export type CircuitState =
  /** Uploads pass. */
  | { readonly kind: "closed"; readonly failureCount: number }
  /** The store failed as a whole: nothing passes until the next probe. */
  | { readonly kind: "open"; readonly error: ServerError; readonly probeCount: number; readonly probeMs: MonotonicMs }
  /** One upload is on its way to see whether the store is back. */
  | { readonly kind: "half-open"; readonly error: ServerError; readonly probeCount: number };

/** When a circuit opens, and how often it probes. */
export interface CircuitOptions {
  /** Failures in a row that open it. Default 3. */
  readonly failureLimit?: number;
  /** Wait before the first probe; doubles with each one that fails. Default 1 s. */
  readonly baseMs?: number;
  /** Longest wait between probes. Default 60 s. */
  readonly capMs?: number;
}

/**
 * Keeps uploads from a store that is down: opens after some failures in a row, lets one upload at a time through as a
 * probe, and closes with the first success. [S-4.2]
 */
export class CircuitBreaker {
  readonly #failureLimit: number;
  readonly #baseMs: number;
  readonly #capMs: number;
  #state: CircuitState = { kind: "closed", failureCount: 0 };

  constructor({ failureLimit = 3, baseMs = 1000, capMs = 60_000 }: CircuitOptions = {}) {
    this.#failureLimit = failureLimit;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** How many of `wanted` uploads may start now. */
  permits(wanted: number, nowMs: MonotonicMs): number {
    if (this.#state.kind === "closed") return wanted;
    return this.#state.kind === "open" && nowMs >= this.#state.probeMs ? Math.min(wanted, 1) : 0;
  }

  /** An upload that {@link CircuitBreaker.permits} allowed starts. Open > half-open. */
  started(): void {
    if (this.#state.kind !== "open") return;
    this.#state = { kind: "half-open", error: this.#state.error, probeCount: this.#state.probeCount + 1 };
  }

  /** The store did its work. Any > closed. */
  succeeded(): void {
    this.#state = { kind: "closed", failureCount: 0 };
  }

  /** The store failed as a whole. Closed > open at the limit, half-open > open with a longer wait. */
  failed(error: ServerError, nowMs: MonotonicMs): void {
    const state = this.#state;
    if (state.kind === "open") return; // an upload that had started before it opened
    if (state.kind === "closed" && state.failureCount + 1 < this.#failureLimit) {
      this.#state = { kind: "closed", failureCount: state.failureCount + 1 };
      return;
    }
    const probeCount = state.kind === "half-open" ? state.probeCount : 0;
    const waitMs = Math.min(this.#capMs, this.#baseMs * 2 ** probeCount);
    this.#state = { kind: "open", error, probeCount, probeMs: (nowMs + waitMs) as MonotonicMs };
  }

  /** Somebody says that the store may be back: the next probe may start at once. Its waits begin anew. */
  hurry(nowMs: MonotonicMs): void {
    if (this.#state.kind === "open") this.#state = { ...this.#state, probeCount: 0, probeMs: nowMs };
  }

  /** The probe ended without a word from the store. Half-open > open, and the next probe may start at once. */
  probeAbandoned(nowMs: MonotonicMs): void {
    if (this.#state.kind !== "half-open") return;
    const { error, probeCount } = this.#state;
    this.#state = { kind: "open", error, probeCount: probeCount - 1, probeMs: nowMs };
  }
}
