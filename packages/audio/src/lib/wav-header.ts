import { concatBytes, encodeAscii, formatChunk } from "./riff-chunk.ts";

/** Length of {@link formatWavHeader}'s result: the audio starts here. */
export const wavHeaderBytes = 44;

const bytesPerS16 = 2;
const maxU32 = 0xffff_ffff;

/** The audio that follows a WAV header. */
export interface WavHeaderFields {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Samples per channel. */
  readonly sampleCount: number;
  /** Length of the chunks after the audio, see {@link formatWavTrailer}; 0 when left out. */
  readonly trailerBytes?: number;
}

/**
 * The canonical 44-byte header of a 16-bit PCM WAV. [S-1.5]
 *
 * @throws RangeError when the file would pass the 4 GiB that its 32-bit length field allows.
 */
export function formatWavHeader({
  sampleRateHz,
  channels,
  sampleCount,
  trailerBytes = 0,
}: WavHeaderFields): Uint8Array {
  const blockBytes = channels * bytesPerS16;
  const dataBytes = sampleCount * blockBytes;
  const riffBytes = wavHeaderBytes - 8 + dataBytes + trailerBytes;
  if (riffBytes > maxU32) {
    throw new RangeError(`a WAV file holds at most ${maxU32} bytes after its first 8; got ${riffBytes}`);
  }
  const format = new DataView(new ArrayBuffer(16));
  format.setUint16(0, 1, true); // WAVE_FORMAT_PCM
  format.setUint16(2, channels, true);
  format.setUint32(4, sampleRateHz, true);
  format.setUint32(8, sampleRateHz * blockBytes, true);
  format.setUint16(12, blockBytes, true);
  format.setUint16(14, bytesPerS16 * 8, true);
  return concatBytes(
    openChunk("RIFF", riffBytes),
    encodeAscii("WAVE"),
    formatChunk("fmt ", new Uint8Array(format.buffer)),
    openChunk("data", dataBytes),
  );
}

/** The first 8 bytes of a chunk whose body is written elsewhere. */
function openChunk(id: string, bodyBytes: number): Uint8Array {
  const opening = formatChunk(id, new Uint8Array());
  new DataView(opening.buffer).setUint32(4, bodyBytes, true);
  return opening;
}
