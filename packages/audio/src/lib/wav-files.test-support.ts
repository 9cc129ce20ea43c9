// WAV files of any shape, also broken ones, put together chunk by chunk.
import { concatBytes, encodeAscii, formatChunk } from "./riff-chunk.ts";

/** A RIFF file of the given chunks; `riffBytes` overrides the length it announces. */
export function buildWav(chunks: readonly Uint8Array[], { id = "RIFF", riffBytes = -1 } = {}): Uint8Array {
  const file = formatChunk(id, concatBytes(encodeAscii("WAVE"), ...chunks));
  if (riffBytes >= 0) new DataView(file.buffer).setUint32(4, riffBytes, true);
  return file;
}

/** A `fmt ` chunk; 16-bit mono PCM at 16 kHz unless told otherwise. */
export function buildFormat({
  tag = 1,
  channels = 1,
  sampleRateHz = 16000,
  bits = 16,
  blockBytes = -1,
} = {}): Uint8Array {
  const block = blockBytes >= 0 ? blockBytes : (channels * bits) / 8;
  const body = new DataView(new ArrayBuffer(16));
  body.setUint16(0, tag, true);
  body.setUint16(2, channels, true);
  body.setUint32(4, sampleRateHz, true);
  body.setUint32(8, sampleRateHz * block, true);
  body.setUint16(12, block, true);
  body.setUint16(14, bits, true);
  return formatChunk("fmt ", new Uint8Array(body.buffer));
}

/** A chunk that announces another length than it has. */
export function buildLyingChunk(id: string, body: Uint8Array, announcedBytes: number): Uint8Array {
  const chunk = formatChunk(id, body);
  new DataView(chunk.buffer).setUint32(4, announcedBytes, true);
  return chunk;
}
