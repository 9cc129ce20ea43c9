import type { SessionClock } from "./session-clock.ts";

const minPauseMs = 250;
const maxPauseMs = 5_000;
/** What a late timer, or a device that had nothing to send, may catch up on. */
const maxCreditMs = 1_000;

/**
 * The pace that a server is given when it asks to slow down: nothing for one ack interval (250 ms at least, 5 s at most),
 * then no more than audio is made, until an acknowledgement comes that does not ask for it. [P-2.1]
 */
export class SendPace {
  readonly #clock: SessionClock;
  readonly #sampleRateHz: number;
  /** When the next frame may go; `undefined`: at any time. */
  #dueMs: number | undefined;

  constructor(clock: SessionClock, sampleRateHz: number) {
    this.#clock = clock;
    this.#sampleRateHz = sampleRateHz;
  }

  get isOn(): boolean {
    return this.#dueMs !== undefined;
  }

  /** Time until the next frame may go, ms; 0 when it may. */
  get waitMs(): number {
    return this.#dueMs === undefined ? 0 : Math.max(0, this.#dueMs - this.#clock.monotonicMs());
  }

  /** The server asks for it, for the first time or once more. */
  begin(ackIntervalMs: number): void {
    const pauseMs = Math.min(Math.max(ackIntervalMs, minPauseMs), maxPauseMs);
    this.#dueMs ??= this.#clock.monotonicMs() + pauseMs;
  }

  /** A frame has gone. @param sampleCount - per channel */
  note(sampleCount: number): void {
    if (this.#dueMs === undefined) return;
    const earliestMs = this.#clock.monotonicMs() - maxCreditMs;
    this.#dueMs = Math.max(this.#dueMs, earliestMs) + (sampleCount * 1000) / this.#sampleRateHz;
  }

  end(): void {
    this.#dueMs = undefined;
  }
}
