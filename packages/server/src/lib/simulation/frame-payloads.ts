import { type AdpcmState, encodeAdpcm, formatAdpcmHeader } from "@eet/audio";
import type { StreamFormat } from "@eet/protocol";
import { type SoundSource, simulatedRateHz } from "./sound-source.ts";

/** Of a frame. */
export const frameMs = 20;
const frameSampleCount = (simulatedRateHz * frameMs) / 1000;

/** Frames of a sound, one after the other. */
export class FramePayloads {
  readonly format: StreamFormat;
  readonly #source: SoundSource;
  readonly #samples = new Int16Array(frameSampleCount);
  readonly #state: AdpcmState = { predictor: 0, stepIndex: 0 };

  constructor(source: SoundSource, codec: StreamFormat["codec"]) {
    this.#source = source;
    this.format = { codec, sampleRateHz: simulatedRateHz, channels: 1, frameSampleCount };
  }

  /** The next one. */
  next(): Uint8Array {
    this.#source.read(this.#samples);
    return this.format.codec === "adpcm" ? this.#encodeAdpcm() : this.#encodePcm();
  }

  #encodeAdpcm(): Uint8Array {
    const header = formatAdpcmHeader(this.#state);
    return Buffer.concat([header, encodeAdpcm(this.#samples, "low", this.#state)]);
  }

  #encodePcm(): Uint8Array {
    const bytes = Buffer.alloc(this.#samples.length * 2);
    for (const [index, sample] of this.#samples.entries()) bytes.writeInt16LE(sample, index * 2);
    return bytes;
  }
}
