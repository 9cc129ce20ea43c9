import { createHash, hash } from "node:crypto";
import fs from "node:fs";
import { endianness } from "node:os";
import type { BinSource } from "./bin-reader-store.ts";

const bufferBytes = 256 * 1024;
const isBigEndian = endianness() === "BE";

/** Buffers that nobody uses now: getting one from the system costs as much as filling it. There are as many as were in use at once. */
const freeBuffers: Buffer[] = [];

function takeBuffer(): Buffer {
  return freeBuffers.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
}

/** Size and SHA-256 (lower-case hex) of a file. */
export interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * A file written from front to back and hashed on the way. Without a path it is hashed only, which is how `verify`
 * compares.
 */
export class HashedTarget {
  readonly #path: string | null;
  readonly #fd: number | undefined;
  readonly #hash = createHash("sha256");
  readonly #buffer = takeBuffer();
  #buffered = 0;
  #bytes = 0;
  #isReleased = false;

  private constructor(path: string | null, fd: number | undefined) {
    this.#path = path;
    this.#fd = fd;
  }

  /** @param path - created or written over; `null`: nothing is written */
  static open(path: string | null): HashedTarget {
    return new HashedTarget(path, path === null ? undefined : fs.openSync(path, "w"));
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const piece = bytes.subarray(at, at + this.#buffer.byteLength - this.#buffered);
      this.#buffer.set(piece, this.#buffered);
      this.#buffered += piece.byteLength;
      at += piece.byteLength;
      if (this.#buffered === this.#buffer.byteLength) this.#flush();
    }
  }

  /** Writes samples as s16le. */
  writeSamples(samples: Int16Array): void {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    this.write(isBigEndian ? Buffer.from(bytes).swap16() : bytes);
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#hash.update(bytes);
    for (let at = 0; this.#fd !== undefined && at < bytes.byteLength; ) at += fs.writeSync(this.#fd, bytes, at);
    this.#bytes += bytes.byteLength;
    this.#buffered = 0;
  }

  /** Writes what is left. It takes nothing afterwards, and is neither synced nor closed. */
  finish(): FileFacts {
    this.#flush();
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** For who syncs the file; `undefined` when none is written. */
  get descriptor(): number | undefined {
    return this.#fd;
  }

  /** Closes a file that is finished and synced. */
  close(): void {
    this.#release();
  }

  /** Gives up, closed or not: what was written goes, so that a full disk has its room back. */
  abort(): void {
    try {
      this.#release();
    } finally {
      if (this.#path !== null) fs.rmSync(this.#path, { force: true });
    }
  }

  /** Once: by then buffer and descriptor may be another's. */
  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    freeBuffers.push(this.#buffer);
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
  }
}

/**
 * Runs `work` with a target, which it finishes; the file is then synced and closed. When that fails nothing is left of it.
 *
 * @param path - as of {@link HashedTarget.open}
 */
export function withTarget<T>(path: string | null, work: (target: HashedTarget) => T): T {
  const target = HashedTarget.open(path);
  try {
    const result = work(target);
    if (target.descriptor !== undefined) fs.fsyncSync(target.descriptor);
    target.close();
    return result;
  } catch (error) {
    target.abort();
    throw error;
  }
}

/** Hashes the first `endOffset` bytes of a file. */
export function hashFile(path: string, endOffset: number): FileFacts {
  const fd = fs.openSync(path, "r");
  const running = createHash("sha256");
  const buffer = takeBuffer();
  let at = 0;
  try {
    while (at < endOffset) {
      const bytes = fs.readSync(fd, buffer, 0, Math.min(buffer.byteLength, endOffset - at), at);
      if (bytes === 0) break;
      running.update(buffer.subarray(0, bytes));
      at += bytes;
    }
  } finally {
    freeBuffers.push(buffer);
    fs.closeSync(fd);
  }
  return { bytes: at, sha256: running.digest("hex") };
}

/** As {@link hashFile}, of a `.bin` that may be in memory. */
export function hashBin(bin: BinSource, endOffset: number): FileFacts {
  if (typeof bin === "string") return hashFile(bin, endOffset);
  const bytes = bin.subarray(0, Math.min(bin.byteLength, endOffset));
  return { bytes: bytes.byteLength, sha256: hash("sha256", bytes) };
}
