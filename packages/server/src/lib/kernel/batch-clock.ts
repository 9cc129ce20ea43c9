import type { Clock, MonotonicMs, WallMs } from "./clock.ts";

/** Told of the bounds of work that counts as one moment. Synchronous work only, and no batch within another. */
export interface BatchBounds {
  begin(): void;
  end(): void;
}

/**
 * A clock that stands still within a batch. What one read of a socket brought came at one moment, and asking the system for
 * each of its frames costs a tenth of what taking a frame does.
 */
export class BatchClock implements Clock, BatchBounds {
  readonly #base: Clock;
  #isHeld = false;
  #wallMs: WallMs | undefined;
  #monotonicMs: MonotonicMs | undefined;

  constructor(base: Clock) {
    this.#base = base;
  }

  wallMs(): WallMs {
    if (!this.#isHeld) return this.#base.wallMs();
    this.#wallMs ??= this.#base.wallMs();
    return this.#wallMs;
  }

  monotonicMs(): MonotonicMs {
    if (!this.#isHeld) return this.#base.monotonicMs();
    this.#monotonicMs ??= this.#base.monotonicMs();
    return this.#monotonicMs;
  }

  /** Stands still from the next look on. */
  begin(): void {
    this.#isHeld = true;
    this.#wallMs = undefined;
    this.#monotonicMs = undefined;
  }

  /** Goes on. */
  end(): void {
    this.#isHeld = false;
  }
}
