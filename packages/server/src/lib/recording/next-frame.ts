import type { Codec } from "@eet/protocol";
import type { ClosedSegment } from "../kernel/segment-record.ts";

/**
 * Decoder state in front of the frame that follows a segment: it gives the last sample of an odd frame before it. [P-1.6]
 *
 * @param message - the whole frame message; `null` when none follows without a gap
 * @returns `null` for PCM, and where nothing can be read
 */
export function readNextFrame(codec: Codec, seq: number, message: Uint8Array | null): ClosedSegment["nextFrame"] {
  if (codec !== "adpcm" || message === null || message.byteLength < 16) return null;
  const predictor = (((message[13] ?? 0) << 24) | ((message[12] ?? 0) << 16)) >> 16;
  return { seq, predictor, stepIndex: message[14] ?? 0 };
}
