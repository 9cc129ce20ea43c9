import type { Clock } from "../kernel/clock.ts";

/** Time per tick of 100 ms that looking at frames may take of the thread that also receives: 15 and 30 percent. */
const fleetMsPerTick = 15;
const totalMsPerTick = 30;
/** Ticks whose time is saved up for bursts. */
const savedTickCount = 10;

/**
 * Bounds what all viewers together cost: when the time is used up, frames are not looked at until there is some again.
 * Devices that somebody looks at closely go on for longer than those that are one of many.
 */
export class LookBudget {
  readonly #clock: Clock;
  #fleetMs = fleetMsPerTick * savedTickCount;
  #totalMs = totalMsPerTick * savedTickCount;
  #skippedFrameCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Frames that were not looked at since the start. */
  get skippedFrameCount(): number {
    return this.#skippedFrameCount;
  }

  /**
   * Runs `look` if there is time for it.
   *
   * @param isClose - the device is more than one of many to somebody
   * @returns whether it was run
   */
  spend(isClose: boolean, look: () => void): boolean {
    if (this.#totalMs <= 0 || (!isClose && this.#fleetMs <= 0)) {
      this.#skippedFrameCount += 1;
      return false;
    }
    const startMs = this.#clock.monotonicMs();
    look();
    const spentMs = this.#clock.monotonicMs() - startMs;
    this.#totalMs -= spentMs;
    if (!isClose) this.#fleetMs -= spentMs;
    return true;
  }

  /** A tenth of a second is over. */
  renew(): void {
    this.#fleetMs = Math.min(this.#fleetMs + fleetMsPerTick, fleetMsPerTick * savedTickCount);
    this.#totalMs = Math.min(this.#totalMs + totalMsPerTick, totalMsPerTick * savedTickCount);
  }
}
