import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "@eet/audio";

/** A tone in s16, one channel. @param amplitude - as a share of full scale */
export function makeTone(
  frequencyHz: number,
  sampleRateHz: number,
  sampleCount: number,
  amplitude: number,
): Int16Array {
  return Int16Array.from({ length: sampleCount }, (_, index) =>
    Math.round(32767 * amplitude * Math.sin((2 * Math.PI * frequencyHz * index) / sampleRateHz)),
  );
}

/** Cuts samples into payloads of PCM frames. @param valueCount - values of a frame, over all channels */
export function pcmPayloads(samples: Int16Array, valueCount: number): readonly Uint8Array[] {
  return cut(samples, valueCount).map((piece) => {
    const bytes = Buffer.alloc(piece.length * 2);
    piece.forEach((sample, index) => {
      bytes.writeInt16LE(sample, index * 2);
    });
    return bytes;
  });
}

/** Encodes samples to payloads of mono ADPCM frames, as one encoder that runs on from frame to frame. */
export function adpcmPayloads(samples: Int16Array, sampleCount: number, order: NibbleOrder): readonly Uint8Array[] {
  const state: AdpcmState = { predictor: 0, stepIndex: 0 };
  return cut(samples, sampleCount).map((piece) => {
    const header = formatAdpcmHeader(state);
    return Buffer.concat([header, encodeAdpcm(piece, order, state)]);
  });
}

function cut(samples: Int16Array, length: number): readonly Int16Array[] {
  return Array.from({ length: Math.floor(samples.length / length) }, (_, index) =>
    samples.slice(index * length, (index + 1) * length),
  );
}
