import type { CaptureTime } from "./send-window.ts";

/** Tells when each sample was captured, from what is known of some of them and the sample rate. */
export class CaptureTimeline {
  readonly #sampleRateHz: number;
  #sampleIndex = 0;
  #known: CaptureTime | undefined;

  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz;
  }

  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** From this sample on, times count from here. */
  set(sampleIndex: number, known: CaptureTime): void {
    this.#sampleIndex = sampleIndex;
    this.#known = known;
  }

  /** @param sampleIndex - per channel, from the first sample written; may lie before the last one told by {@link set} */
  at(sampleIndex: number): CaptureTime {
    const { captureMs, captureUs } = this.#known ?? { captureMs: 0, captureUs: 0 };
    const elapsedS = (sampleIndex - this.#sampleIndex) / this.#sampleRateHz;
    return {
      captureMs: captureMs === 0 ? 0 : Math.max(0, Math.round(captureMs + elapsedS * 1000)),
      captureUs: Math.max(0, Math.round(captureUs + elapsedS * 1_000_000)),
    };
  }
}
