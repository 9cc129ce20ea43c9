import { adpcmHeaderBytes, decodeAdpcm, parseAdpcmHeader } from "@eet/audio";
import type { Codec } from "@eet/protocol";

/** @returns what the frames of a load hold, as little-endian 16-bit samples */
export function decodeFrame(payload: Uint8Array, codec: Codec): Uint8Array {
  if (codec === "pcm16") return payload;
  const samples = new Int16Array((payload.byteLength - adpcmHeaderBytes) * 2);
  decodeAdpcm(payload.subarray(adpcmHeaderBytes), samples.length, "low", parseAdpcmHeader(payload), samples, 0);
  return new Uint8Array(samples.buffer);
}
