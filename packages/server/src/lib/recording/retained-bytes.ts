import type { ChunkPool } from "./chunk-pool.ts";

interface Chunk {
  readonly bytes: Buffer;
  /** Offset in the file of the chunk's first byte. */
  readonly startOffset: number;
  length: number;
}

/**
 * The tail of a growing file, kept in memory until it is on stable storage: appended at one end, given free at the
 * other. Offsets count from the file's start.
 */
export class RetainedBytes {
  readonly #pool: ChunkPool;
  readonly #chunks: Chunk[] = [];
  #startOffset = 0;
  #endOffset = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Offset behind the last appended byte. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#endOffset - this.#startOffset;
  }

  /** Copies `bytes` to the end. */
  append(bytes: Uint8Array): void {
    const chunk = this.#chunkFor(bytes.byteLength);
    chunk.bytes.set(bytes, chunk.length);
    chunk.length += bytes.byteLength;
    this.#endOffset += bytes.byteLength;
  }

  #chunkFor(byteLength: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.bytes.byteLength - last.length >= byteLength) return last;
    const chunk = { bytes: this.#pool.take(byteLength), startOffset: this.#endOffset, length: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Views of the bytes from `from` to `to`; valid until they are released. */
  slices(from: number, to: number): Buffer[] {
    const slices: Buffer[] = [];
    for (const { bytes, startOffset, length } of this.#chunks) {
      const start = Math.max(from - startOffset, 0);
      const end = Math.min(to - startOffset, length);
      if (start < end) slices.push(bytes.subarray(start, end));
    }
    return slices;
  }

  /** Gives free what lies before `offset`. */
  release(offset: number): void {
    this.#startOffset = Math.max(this.#startOffset, Math.min(offset, this.#endOffset));
    for (let [first] = this.#chunks; first !== undefined; [first] = this.#chunks) {
      if (first.startOffset + first.length > this.#startOffset) return;
      this.#chunks.shift();
      this.#pool.give(first.bytes);
    }
  }
}
