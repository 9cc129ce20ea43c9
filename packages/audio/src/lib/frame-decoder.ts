import {
  type AdpcmState,
  adpcmHeaderBytes,
  decodeAdpcm,
  isReachableByOneCode,
  type NibbleOrder,
  parseAdpcmHeader,
} from "./ima-adpcm.ts";

/** Takes decoded samples; the array is reused for the next frame, so copy what must stay. */
export type SampleSink = (samples: Int16Array) => void;

/**
 * Decodes the mono ADPCM frames of a session, one after the other, to exactly the samples they stand for.
 *
 * Every frame starts from its own header, so a lost frame harms no other. A sample that an encoder dropped from an odd
 * frame is restored from the next frame's header where that is certain, and concealed where it is not: the time line
 * never shifts. [P-1.6]
 */
export class FrameDecoder {
  readonly #order: NibbleOrder;
  readonly #sink: SampleSink;
  /** Of the frame before: as a rule the next one is as long. */
  #samples = new Int16Array(0);
  #repairedSampleCount = 0;
  #concealedSampleCount = 0;

  constructor(order: NibbleOrder, sink: SampleSink) {
    this.#order = order;
    this.#sink = sink;
  }

  /** Samples without a code of their own whose exact value the next frame told. */
  get repairedSampleCount(): number {
    return this.#repairedSampleCount;
  }

  /** Samples without a code of their own that repeat the one before them. */
  get concealedSampleCount(): number {
    return this.#concealedSampleCount;
  }

  /**
   * Decodes one frame and hands its samples to the sink.
   *
   * @param payload - the frame's payload with its 4-byte ADPCM header.
   * @param sampleCount - samples the frame stands for, see `adpcmSampleCount`; codes beyond them are ignored.
   * @param next - the header of the frame whose seq follows at once; without it nothing can be repaired.
   * @throws RangeError when the payload is shorter than its header or the step index is above 88.
   */
  decode(payload: Uint8Array, sampleCount: number, next?: AdpcmState): void {
    if (this.#samples.length !== sampleCount) this.#samples = new Int16Array(sampleCount);
    const samples = this.#samples;
    const codes = payload.subarray(adpcmHeaderBytes);
    const decodableCount = Math.min(sampleCount, codes.length * 2);
    const state = parseAdpcmHeader(payload);
    decodeAdpcm(codes, decodableCount, this.#order, state, samples, 0);

    const missingCount = sampleCount - decodableCount;
    if (missingCount === 1 && next !== undefined && isReachableByOneCode(state, next)) {
      samples[decodableCount] = next.predictor;
      this.#repairedSampleCount += 1;
    } else {
      samples.fill(state.predictor, decodableCount);
      this.#concealedSampleCount += missingCount;
    }
    this.#sink(samples);
  }
}
