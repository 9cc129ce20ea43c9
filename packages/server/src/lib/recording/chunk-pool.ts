/** Size of a chunk: about a second of one compressed stream. */
export const chunkBytes = 8 * 1024;
/** Chunks that are kept for later. */
const maxIdleCount = 8_192;

/**
 * Chunks of memory that streams take and give back. Shared by all of them, since segments come and go: so steady streams
 * allocate nothing, and the garbage collector has nothing to run after.
 */
export class ChunkPool {
  readonly #idle: Buffer[] = [];

  /** A chunk of at least `byteLength` bytes, whatever stands in it. */
  take(byteLength: number): Buffer {
    if (byteLength > chunkBytes) return Buffer.allocUnsafeSlow(byteLength);
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  }

  /** Takes a chunk back that nobody looks at any more. */
  give(chunk: Buffer): void {
    if (chunk.byteLength === chunkBytes && this.#idle.length < maxIdleCount) this.#idle.push(chunk);
  }
}
