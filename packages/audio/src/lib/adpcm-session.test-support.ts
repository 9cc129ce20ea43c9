// What devices send: a recording cut into ADPCM frames, with the habits of the encoders in the field.
import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "./ima-adpcm.ts";
import type { DetectorFrame } from "./nibble-order.ts";
import { concatBytes } from "./riff-chunk.ts";

/** How a simulated device encodes. */
export interface SessionOptions {
  readonly order: NibbleOrder;
  /** Samples of every frame; a shorter rest is not sent. */
  readonly frameSampleCount: number;
  /** What happens to the last code of an odd frame: `pad` (default) fills its byte, `drop` loses it as audioop does. */
  readonly oddCode?: "pad" | "drop";
  /** Frames after which the encoder starts anew from state 0, 0; never by default. */
  readonly resetEveryFrameCount?: number;
}

/** Encodes a recording to frames with contiguous seq from 0. */
export function encodeSession(samples: Int16Array, options: SessionOptions): DetectorFrame[] {
  const { order, frameSampleCount, oddCode = "pad", resetEveryFrameCount = Number.POSITIVE_INFINITY } = options;
  let state: AdpcmState = { predictor: 0, stepIndex: 0 };
  return Array.from({ length: Math.floor(samples.length / frameSampleCount) }, (_, seq) => {
    if (seq % resetEveryFrameCount === 0) state = { predictor: 0, stepIndex: 0 };
    const header = formatAdpcmHeader(state);
    const codes = encodeAdpcm(samples.subarray(seq * frameSampleCount, (seq + 1) * frameSampleCount), order, state);
    const sentBytes = oddCode === "drop" ? frameSampleCount >> 1 : codes.length;
    return { seq, payload: concatBytes(header, codes.subarray(0, sentBytes)), sampleCount: frameSampleCount };
  });
}
