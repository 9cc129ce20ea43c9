/** What a chunk takes at most; but for chunks that cannot be parted. */
export const chunkBytes: number = 512 * 1024;

/**
 * Memory of one export, used again for chunk after chunk. Fresh memory for each would be told to the collector as
 * megabytes by the hundred, and make it walk the whole heap many times a second.
 */
export class ChunkMemory {
  readonly #free: ArrayBuffer[] = [];
  /** Blocks of this memory that somebody holds. */
  readonly #lent = new Set<ArrayBuffer>();

  /** @returns memory with whatever stood in it before */
  take(byteLength: number): Uint8Array {
    if (byteLength > chunkBytes) return Buffer.allocUnsafeSlow(byteLength);
    const block = this.#free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes).buffer;
    this.#lent.add(block);
    return new Uint8Array(block, 0, byteLength);
  }

  /** Takes back what a chunk lies in: nobody looks at it any more. Chunks from elsewhere are left to the collector. */
  release({ buffer }: Uint8Array): void {
    if (buffer instanceof ArrayBuffer && this.#lent.delete(buffer)) this.#free.push(buffer);
  }
}
