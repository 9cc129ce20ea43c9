/** Where live audio goes on the clock of what plays it. */
export interface FramePlace {
  /** Seconds of the player's clock; `undefined`: to be left out. */
  readonly startS: number | undefined;
  /** It does not follow what was played before. */
  readonly isBreak: boolean;
}

/** Audio that waits to be played when playing begins, and after it ran dry. */
const headStartS = 0.35;
/** With more than that waiting something is left out: live is to stay live. */
const maxWaitingS = 1.5;
/** A gap up to it is kept as silence. */
const maxSilenceS = 1;

/** Places live audio of a session one piece after the other, sample by sample, however unevenly it comes. */
export class FrameLine {
  readonly #sampleRateHz: number;
  /** Player's time of {@link #nextSample}. */
  #nextS: number | undefined;
  #nextSample = 0;
  #hasLeftOut = false;

  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz;
  }

  /**
   * @param nowS - the player's clock
   * @param firstSample - position in the session
   */
  place(nowS: number, firstSample: number, sampleCount: number): FramePlace {
    const missedS = (firstSample - this.#nextSample) / this.#sampleRateHz;
    const isNear = this.#nextS !== undefined && missedS >= 0 && missedS <= maxSilenceS;
    const wishedS = isNear && this.#nextS !== undefined ? this.#nextS + missedS : Number.NEGATIVE_INFINITY;
    const isAnew = wishedS < nowS;
    // Never over what waits to be played.
    const startS = isAnew ? Math.max(nowS + headStartS, this.#nextS ?? 0) : wishedS;
    this.#nextSample = firstSample + sampleCount;
    // What follows takes its place: what waits becomes no more.
    if (startS - nowS > maxWaitingS) {
      this.#hasLeftOut = true;
      return { startS: undefined, isBreak: true };
    }
    const isBreak = isAnew || missedS > 0 || this.#hasLeftOut;
    this.#hasLeftOut = false;
    this.#nextS = startS + sampleCount / this.#sampleRateHz;
    return { startS, isBreak };
  }
}
