import type { ByteRange } from "../kernel/object-reader.ts";
import type { ChunkMemory } from "./chunk-memory.ts";

/** A part of a file that is made while it is read. */
export interface ByteSection {
  readonly byteLength: number;
  /**
   * Bytes `[start, end)` of the section.
   *
   * @param memory - where chunks may lie, which are then to be given back; default: fresh memory
   */
  read(start: number, end: number, memory?: ChunkMemory): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A section that is in memory. */
export function memorySection(bytes: Uint8Array): ByteSection {
  return { byteLength: bytes.byteLength, read: (start, end) => [bytes.subarray(start, end)] };
}

/**
 * A section of samples of `blockBytes` each, of which any may be asked for, but whole.
 *
 * @param readSamples - gives the samples `[from, to)`
 */
export function sampleSection(
  sampleCount: number,
  blockBytes: number,
  readSamples: (from: number, to: number, memory?: ChunkMemory) => AsyncIterable<Uint8Array>,
): ByteSection {
  return {
    byteLength: sampleCount * blockBytes,
    async *read(start, end, memory) {
      const from = Math.floor(start / blockBytes);
      let skipBytes = start - from * blockBytes;
      let leftBytes = end - start;
      for await (const chunk of readSamples(from, Math.ceil(end / blockBytes), memory)) {
        const piece = chunk.subarray(skipBytes, skipBytes + leftBytes);
        skipBytes = 0;
        leftBytes -= piece.byteLength;
        yield piece;
      }
    },
  };
}

/** Length of all sections. */
export function totalBytes(sections: readonly ByteSection[]): number {
  return sections.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Bytes of sections that follow one another; those before the range are not read. */
export async function* readSections(
  sections: readonly ByteSection[],
  { start, end }: ByteRange,
  memory?: ChunkMemory,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const section of sections) {
    const first = Math.max(0, start - at);
    const last = Math.min(section.byteLength, end - at);
    if (last > first) yield* section.read(first, last, memory);
    at += section.byteLength;
  }
}
