/**
 * How one sample stands in a WAV file, little-endian: unsigned 8 bit, signed 16, 24 or 32 bit, or floating point of 32 or
 * 64 bit with full scale 1.
 */
export type WavSampleFormat = "u8" | "s16" | "s24" | "s32" | "f32" | "f64";

interface SampleCodec {
  readonly bytes: number;
  /** The sample at a byte offset, as s16. */
  readonly read: (view: DataView, offset: number) => number;
}

/** Drops `bits` low bits, rounding to nearest (halves up) and keeping the largest value from wrapping. */
function roundOff(value: number, bits: number): number {
  return Math.min((value >> bits) + ((value >> (bits - 1)) & 1), 32767);
}

function scaleFloat(value: number): number {
  return Math.max(-32768, Math.min(32767, Math.floor(value * 32768 + 0.5)));
}

const codecs: Readonly<Record<WavSampleFormat, SampleCodec>> = {
  u8: { bytes: 1, read: (view, offset) => (view.getUint8(offset) - 128) << 8 },
  s16: { bytes: 2, read: (view, offset) => view.getInt16(offset, true) },
  s24: {
    bytes: 3,
    read: (view, offset) => roundOff((view.getInt8(offset + 2) << 16) | view.getUint16(offset, true), 8),
  },
  s32: { bytes: 4, read: (view, offset) => roundOff(view.getInt32(offset, true), 16) },
  f32: { bytes: 4, read: (view, offset) => scaleFloat(view.getFloat32(offset, true)) },
  f64: { bytes: 8, read: (view, offset) => scaleFloat(view.getFloat64(offset, true)) },
};

/** Bytes of one sample of one channel. */
export function bytesPerSample(format: WavSampleFormat): number {
  return codecs[format].bytes;
}

/**
 * Converts samples to 16 bit, without dither, as `sox -D` does.
 *
 * 8 bit is shifted up; 24 and 32 bit are rounded to the nearest 16-bit value; floating point is scaled by 32768, rounded
 * and clipped (NaN becomes 0).
 *
 * @param bytes - whole samples of any number of interleaved channels.
 * @param out - receives `bytes.length / bytesPerSample(format)` samples.
 * @throws RangeError when `bytes` ends inside a sample or `out` is too short.
 */
export function convertToS16(bytes: Uint8Array, format: WavSampleFormat, out: Int16Array): void {
  const codec = codecs[format];
  const sampleCount = bytes.length / codec.bytes;
  if (!Number.isInteger(sampleCount) || sampleCount > out.length) {
    throw new RangeError(
      `cannot convert ${bytes.length} bytes of ${format}: the length must be a multiple of ${codec.bytes} and at most ${out.length * codec.bytes}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position < sampleCount; position += 1) {
    out[position] = codec.read(view, position * codec.bytes);
  }
}
