import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";
import { colourAt } from "./colour-map.ts";

/** A spectrogram's levels, see `RangeSpectrogram`. Plain and serialisable. */
export interface LevelGrid {
  readonly values: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const signature = Buffer.from("89504e470d0a1a0a", "hex");
const [bitDepth, paletteColour] = [8, 3];
/** Shown from black to white: room noise to full scale. */
const [darkestDb, brightestDb] = [-110, -10];
const compress = promisify(deflate);

/**
 * A PNG with a palette: the levels are its indexes, and 0 is transparent. Highest row on top.
 *
 * @param rows - of {@link formatPngRows}
 */
export async function formatSpectrogramPng(rows: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(bitDepth, 8);
  header.writeUInt8(paletteColour, 9);
  return Buffer.concat([
    signature,
    formatChunk("IHDR", header),
    formatChunk("PLTE", formatPalette()),
    formatChunk("tRNS", Buffer.from([0])),
    formatChunk("IDAT", await compress(rows)),
    formatChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The levels as they stand in a PNG: each row begins with its filter, none. */
export function formatPngRows({ values, width, height }: LevelGrid): Uint8Array {
  const rows = new Uint8Array(height * (width + 1));
  for (let row = 0; row < height; row++) {
    const at = row * (width + 1) + 1;
    for (let column = 0; column < width; column++) {
      rows[at + column] = values[column * height + height - 1 - row] as number;
    }
  }
  return rows;
}

function formatPalette(): Buffer {
  const colours = Array.from({ length: 256 }, (_, level) => {
    const db = (level - 255) / 2;
    return colourAt((db - darkestDb) / (brightestDb - darkestDb));
  });
  return Buffer.from(colours.flat());
}

function formatChunk(type: string, body: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + body.byteLength);
  chunk.writeUInt32BE(body.byteLength, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + body.byteLength)), 8 + body.byteLength);
  return chunk;
}
