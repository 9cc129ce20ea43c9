import type { SampleSink } from "@eet/audio";

/** Fits into a processor's nearest memory, together with what is made of it. */
const blockLength = 4_096;

/** Gathers samples of frames, so that what they are handed to costs its price once per block rather than per frame. */
export class SampleBlock {
  readonly #sink: SampleSink;
  readonly #samples = new Int16Array(blockLength);
  #length = 0;

  /** @param sink - takes whole pieces, in order; the array is written over afterwards */
  constructor(sink: SampleSink) {
    this.#sink = sink;
  }

  /** Takes a piece, which stays whole: of several channels it holds as many samples of each. */
  push(samples: Int16Array): void {
    if (this.#length + samples.length > blockLength) this.flush();
    if (samples.length > blockLength) {
      this.#sink(samples);
      return;
    }
    this.#samples.set(samples, this.#length);
    this.#length += samples.length;
  }

  /** Hands on what is there. */
  flush(): void {
    if (this.#length === 0) return;
    this.#sink(this.#samples.subarray(0, this.#length));
    this.#length = 0;
  }
}
