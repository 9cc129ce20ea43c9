import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "@eet/audio";
import type { Codec, StreamFormat } from "@eet/protocol";
import { UsageError } from "../command-error.ts";

/** One frame's payload, ready to send. */
export interface AudioFrame {
  readonly payload: Uint8Array;
  /** Samples per channel. */
  readonly sampleCount: number;
}

/** How samples become frames. */
export interface FrameCoding {
  readonly format: StreamFormat;
  readonly nibbleOrder: NibbleOrder;
}

const maxFrameSampleCount = 0xffff;

/**
 * Samples per channel in frames of about `frameMs`.
 *
 * ADPCM packs two samples into a byte. An odd frame would leave half a byte, and devices disagree on what that means, so
 * the nearest even count is taken: the server then has nothing to repair. [P-1.6]
 *
 * @throws UsageError when no frame of that length can be sent
 */
export function frameSampleCountOf(frameMs: number, sampleRateHz: number, codec: Codec): number {
  const step = codec === "adpcm" ? 2 : 1;
  const sampleCount = step * Math.round((sampleRateHz * frameMs) / 1000 / step);
  if (sampleCount < 1 || sampleCount > maxFrameSampleCount) {
    const maxMs = Math.floor((maxFrameSampleCount * 1000) / sampleRateHz);
    throw new UsageError(
      `--frame-ms ${frameMs} makes frames of ${sampleCount} samples at ${sampleRateHz} Hz, 1 to ${maxFrameSampleCount} can be sent: choose 1 to ${maxMs} ms`,
    );
  }
  return sampleCount;
}

/**
 * Cuts samples into frames; only the last one may be shorter.
 *
 * @param samples - interleaved, whole samples of all channels
 * @param state - the encoder's state before the first frame; holds the state after the last one afterwards
 */
export function encodeFrames(
  samples: Int16Array,
  { format, nibbleOrder }: FrameCoding,
  state: AdpcmState,
): AudioFrame[] {
  const frames: AudioFrame[] = [];
  const length = format.frameSampleCount * format.channels;
  for (let start = 0; start < samples.length; start += length) {
    const part = samples.subarray(start, start + length);
    const payload = format.codec === "adpcm" ? encodeAdpcmPayload(part, nibbleOrder, state) : encodePcmPayload(part);
    frames.push({ payload, sampleCount: part.length / format.channels });
  }
  return frames;
}

/** The encoder's state before the frame, then its codes. [P-1.4] */
function encodeAdpcmPayload(samples: Int16Array, order: NibbleOrder, state: AdpcmState): Uint8Array {
  const header = formatAdpcmHeader(state);
  const codes = encodeAdpcm(samples, order, state);
  const payload = new Uint8Array(header.length + codes.length);
  payload.set(header);
  payload.set(codes, header.length);
  return payload;
}

/** Interleaved s16le. [P-1.3] */
function encodePcmPayload(samples: Int16Array): Uint8Array {
  const payload = new Uint8Array(samples.length * 2);
  const view = new DataView(payload.buffer);
  samples.forEach((sample, position) => {
    view.setInt16(position * 2, sample, true);
  });
  return payload;
}
