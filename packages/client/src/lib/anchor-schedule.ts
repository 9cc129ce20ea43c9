import type { Anchor } from "@eet/protocol";
import type { HeldFrame } from "./send-window.ts";

/** Audio between two anchors. */
const intervalS = 30;

/**
 * Decides which frames are tied to the device's clocks: the first one of each connection, then one every 30 s of audio, and
 * the first one behind frames that were dropped. [P-2.1]
 */
export class AnchorSchedule {
  readonly #intervalSampleCount: number;
  /** Samples per channel since the last anchor; `undefined` when one is due. */
  #sampleCount: number | undefined;
  /** Frames that were dropped before the server's session began. */
  #droppedBefore = 0;
  #declaredCount = 0;

  constructor(sampleRateHz: number) {
    this.#intervalSampleCount = intervalS * sampleRateHz;
  }

  /** A new connection begins. */
  reset(): void {
    this.#sampleCount = undefined;
  }

  /** A fresh session begins: only what is dropped from now on is declared to it. */
  restart(droppedFrameCount: number): void {
    this.#droppedBefore = droppedFrameCount;
    this.#sampleCount = undefined;
  }

  /**
   * Tells whether an anchor goes in front of the frame that is sent next.
   *
   * @param seq - the frame's
   * @param droppedFrameCount - in total, since the device began
   */
  next(seq: number, { sampleCount, captured }: HeldFrame, droppedFrameCount: number): Anchor | undefined {
    const declaredCount = droppedFrameCount - this.#droppedBefore;
    const isDue = this.#sampleCount === undefined || this.#sampleCount >= this.#intervalSampleCount;
    if (!isDue && declaredCount === this.#declaredCount) {
      this.#sampleCount = (this.#sampleCount ?? 0) + sampleCount;
      return undefined;
    }
    this.#sampleCount = sampleCount;
    this.#declaredCount = declaredCount;
    return { kind: "anchor", seq, ...captured, droppedFrameCount: declaredCount };
  }
}
