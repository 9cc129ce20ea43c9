// A small WAV writer that makes what is in the wild: any sample format, extensible or not, chunks in any order, wrong sizes.
export interface WavRecipe {
  readonly sampleFormat?: "u8" | "s16" | "s24" | "s32" | "f32" | "f64";
  readonly channels?: number;
  readonly sampleRateHz?: number;
  readonly isExtensible?: boolean;
  readonly isDataFirst?: boolean;
  /** What the data chunk claims instead of its length. */
  readonly claimedDataBytes?: number;
}

const writers = {
  u8: {
    bytes: 1,
    isFloat: false,
    write: (view: DataView, at: number, s16: number) => view.setUint8(at, (s16 >> 8) + 128),
  },
  s16: { bytes: 2, isFloat: false, write: (view: DataView, at: number, s16: number) => view.setInt16(at, s16, true) },
  s24: {
    bytes: 3,
    isFloat: false,
    write: (view: DataView, at: number, s16: number) => {
      view.setUint8(at, 0);
      view.setInt16(at + 1, s16, true);
    },
  },
  s32: {
    bytes: 4,
    isFloat: false,
    write: (view: DataView, at: number, s16: number) => view.setInt32(at, s16 << 16, true),
  },
  f32: {
    bytes: 4,
    isFloat: true,
    write: (view: DataView, at: number, s16: number) => view.setFloat32(at, s16 / 32768, true),
  },
  f64: {
    bytes: 8,
    isFloat: true,
    write: (view: DataView, at: number, s16: number) => view.setFloat64(at, s16 / 32768, true),
  },
};

/** A WAV file of interleaved s16 samples, stored as the recipe says. */
export function makeWav(samples: ArrayLike<number>, recipe: WavRecipe = {}): Uint8Array {
  const { sampleFormat = "s16", channels = 1, sampleRateHz = 16_000 } = recipe;
  const { bytes, isFloat, write } = writers[sampleFormat];
  const tag = isFloat ? 3 : 1;
  const fmt = Buffer.alloc(recipe.isExtensible ? 40 : 16);
  fmt.writeUInt16LE(recipe.isExtensible ? 0xfffe : tag, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(sampleRateHz, 4);
  fmt.writeUInt32LE(sampleRateHz * channels * bytes, 8);
  fmt.writeUInt16LE(channels * bytes, 12);
  fmt.writeUInt16LE(bytes * 8, 14);
  if (recipe.isExtensible) {
    fmt.writeUInt16LE(22, 16);
    fmt.writeUInt16LE(bytes * 8, 18);
    fmt.write(`${tag === 1 ? "01" : "03"}00000000001000800000aa00389b71`, 24, "hex");
  }
  const data = Buffer.alloc(samples.length * bytes);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  Array.from(samples).forEach((sample, position) => {
    write(view, position * bytes, sample);
  });
  const fmtChunk = chunk("fmt ", fmt);
  const dataChunk = chunk("data", data, recipe.claimedDataBytes);
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    ...(recipe.isDataFirst ? [dataChunk, fmtChunk] : [chunk("LIST", Buffer.from("INFO!")), fmtChunk, dataChunk]),
  ]);
  return chunk("RIFF", body, recipe.claimedDataBytes === undefined ? body.length : 0);
}

function chunk(id: string, body: Buffer, claimedBytes: number = body.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, "latin1");
  head.writeUInt32LE(claimedBytes, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
}

/** A sweep with every byte value in it: no two frames are alike. */
export function makeSweep(sampleCount: number): Int16Array {
  return Int16Array.from({ length: sampleCount }, (_, n) =>
    Math.round(12_000 * Math.sin((n * n) / 40_000) + 900 * Math.cos(n)),
  );
}
