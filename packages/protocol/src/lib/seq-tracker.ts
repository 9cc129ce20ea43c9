import { serialDistance } from "./serial.ts";

/** How a frame follows the ones before it. */
export type SeqStep =
  /** The frame that was expected, or the first one. */
  | "next"
  /** The seq of the frame before once more: stored, never dropped without an explicit session. [P-2.5] */
  | "repeat"
  /** Frames before this one are missing. */
  | "gap"
  /** Earlier than the frame before: the device numbers anew. [P-1.10] */
  | "back";

/** Follows the wrapping seq of one session and unwraps it. [P-2.2] [P-2.3] */
export class SeqTracker {
  #nextSeq: number | undefined;
  #missingCount = 0;

  /** @param nextSeq - expected unwrapped seq; left out, the first frame sets the origin */
  constructor(nextSeq?: number) {
    this.#nextSeq = nextSeq;
  }

  /** Unwrapped seq that would continue the session; `undefined` before the first frame. */
  get nextSeq(): number | undefined {
    return this.#nextSeq;
  }

  /** Frames missing in front of the last tracked one; 0 unless {@link track} returned `gap`. */
  get missingCount(): number {
    return this.#missingCount;
  }

  /**
   * Takes the next frame's seq. After `back` the tracker is unchanged: the caller starts a new session.
   *
   * @param wireSeq - u32 as on the wire
   */
  track(wireSeq: number): SeqStep {
    this.#missingCount = 0;
    if (this.#nextSeq === undefined) {
      this.#nextSeq = wireSeq + 1;
      return "next";
    }
    const distance = serialDistance(this.#nextSeq, wireSeq);
    if (distance === 0) {
      this.#nextSeq += 1;
      return "next";
    }
    if (distance < 0) return distance === -1 ? "repeat" : "back";
    this.#missingCount = distance;
    this.#nextSeq += distance + 1;
    return "gap";
  }
}
