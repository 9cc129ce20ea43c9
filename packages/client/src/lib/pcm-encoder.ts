import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "@eet/audio";
import type { StreamFormat } from "@eet/protocol";

/** Frames of a format whose frame size varies. */
const defaultFrameMs = 20;

/** One frame's payload. */
export interface EncodedFrame {
  readonly payload: Uint8Array;
  /** Per channel. */
  readonly sampleCount: number;
}

/**
 * Cuts samples into frames and encodes them. What is left over begins the next frame.
 *
 * ADPCM is mono: devices disagree on the layout of more channels. [P-1.7] An odd count of samples leaves half a byte, which
 * stands for one sample more at the end of a shorter last frame; choose an even frame size. [P-1.6]
 */
export class PcmEncoder {
  readonly #format: StreamFormat;
  readonly #nibbleOrder: NibbleOrder;
  readonly #frameLength: number;
  readonly #state: AdpcmState = { predictor: 0, stepIndex: 0 };
  #samples = new Int16Array(0);

  /** @param nibbleOrder - how ADPCM is packed. [P-1.5] */
  constructor(format: StreamFormat, nibbleOrder: NibbleOrder) {
    const frameSampleCount = format.frameSampleCount || Math.round((format.sampleRateHz * defaultFrameMs) / 1000);
    this.#format = format;
    this.#nibbleOrder = nibbleOrder;
    this.#frameLength = frameSampleCount * format.channels;
  }

  /** Samples per channel that wait for their frame to be full. */
  get waitingSampleCount(): number {
    return this.#samples.length / this.#format.channels;
  }

  /**
   * Takes samples.
   *
   * @param samples - interleaved; copied
   * @throws RangeError for a part of a sample, or several channels of ADPCM
   */
  push(samples: Int16Array): void {
    const { codec, channels } = this.#format;
    if (codec === "adpcm" && channels > 1) {
      throw new RangeError(`ADPCM of ${channels} channels cannot be encoded here: send PCM, or frames of your own`);
    }
    if (samples.length % channels !== 0) {
      throw new RangeError(`${samples.length} samples came, which is no multiple of the ${channels} channels`);
    }
    const joined = new Int16Array(this.#samples.length + samples.length);
    joined.set(this.#samples);
    joined.set(samples, this.#samples.length);
    this.#samples = joined;
  }

  /** The next full frame, if there is one. */
  next(): EncodedFrame | undefined {
    return this.#samples.length < this.#frameLength ? undefined : this.#take(this.#frameLength);
  }

  /** What is left when no more samples come: a frame that is shorter than the others. */
  rest(): EncodedFrame | undefined {
    return this.next() ?? (this.#samples.length === 0 ? undefined : this.#take(this.#samples.length));
  }

  #take(length: number): EncodedFrame {
    const samples = this.#samples.subarray(0, length);
    this.#samples = this.#samples.subarray(length);
    const payload = this.#format.codec === "adpcm" ? this.#encodeAdpcm(samples) : encodePcm(samples);
    return { payload, sampleCount: length / this.#format.channels };
  }

  /** The encoder's state before the frame, then its codes. [P-1.4] */
  #encodeAdpcm(samples: Int16Array): Uint8Array {
    const header = formatAdpcmHeader(this.#state);
    const codes = encodeAdpcm(samples, this.#nibbleOrder, this.#state);
    const payload = new Uint8Array(header.length + codes.length);
    payload.set(header);
    payload.set(codes, header.length);
    return payload;
  }
}

/** Interleaved s16le. [P-1.3] */
function encodePcm(samples: Int16Array): Uint8Array {
  const payload = new Uint8Array(samples.length * 2);
  const view = new DataView(payload.buffer);
  for (let position = 0; position < samples.length; position += 1) {
    view.setInt16(position * 2, samples[position] ?? 0, true);
  }
  return payload;
}
