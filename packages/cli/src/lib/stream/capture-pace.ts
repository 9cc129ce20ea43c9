/** Ahead of the clock by more than this, audio cannot just have been captured. Programs that capture send some at once. */
const maxAheadS = 10;

/**
 * Tells audio that is captured while it is read from audio that is only handed over, as a converter does: what is live
 * never runs ahead of the clock. It can wait then, where live audio has to go on.
 */
export class CapturePace {
  readonly #sampleRateHz: number;
  readonly #aheadS: number;
  readonly #nowMs: () => number;
  #startMs: number | undefined;
  #sampleCount = 0;
  #isRecorded = false;

  /**
   * @param windowS - audio that is held at most: it has to show before that is full
   * @param nowMs - a monotonic clock
   */
  constructor(sampleRateHz: number, windowS: number, nowMs: () => number = () => performance.now()) {
    this.#sampleRateHz = sampleRateHz;
    this.#aheadS = Math.min(maxAheadS, windowS / 2);
    this.#nowMs = nowMs;
  }

  /** Whether the audio was recorded before. Once known it stays so. */
  get isRecorded(): boolean {
    return this.#isRecorded;
  }

  /** Samples per channel were read just now. */
  note(sampleCount: number): void {
    const nowMs = this.#nowMs();
    this.#startMs ??= nowMs;
    this.#sampleCount += sampleCount;
    const aheadS = this.#sampleCount / this.#sampleRateHz - (nowMs - this.#startMs) / 1000;
    this.#isRecorded ||= aheadS > this.#aheadS;
  }
}
