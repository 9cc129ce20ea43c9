import fs from "node:fs";
import { type FrameHeader, type FrameRules, limits, parseFrame } from "@eet/protocol";

const windowBytes = 256 * 1024;

/** Path of a `.bin`, or its bytes from the start. */
export type BinSource = string | Uint8Array;

/** One frame as it stands in a `.bin`. */
export class BinFrame {
  /** Offset of the frame's header. */
  readonly offset: number;
  /** As on the wire. */
  readonly seq: number;
  readonly payloadBytes: number;
  readonly #bytes: Uint8Array;
  readonly #payloadAt: number;

  /** @param bytes - what was read, with the payload at `payloadAt`; nobody writes over it */
  constructor(offset: number, { seq, payloadBytes }: FrameHeader, bytes: Uint8Array, payloadAt: number) {
    this.offset = offset;
    this.seq = seq;
    this.payloadBytes = payloadBytes;
    this.#bytes = bytes;
    this.#payloadAt = payloadAt;
  }

  /** A view, made when it is asked for: who looks at headers alone would leave more garbage than there are bytes. */
  get payload(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#payloadAt, this.payloadBytes);
  }
}

/**
 * Reads the frames of a `.bin` one after the other, with bounded memory. Stops in front of the first bytes that would
 * not have been taken from the wire as a frame. Synchronous: it runs in worker threads and tools.
 */
export class BinReader {
  /** `undefined` when the whole `.bin` is in memory. */
  readonly #fd: number | undefined;
  readonly #rules: FrameRules;
  readonly #endOffset: number;
  #window: Buffer;
  /** Offset in the file of the window's first byte. */
  #windowOffset = 0;
  #windowLength = 0;
  #offset = 0;

  private constructor(fd: number | undefined, rules: FrameRules, endOffset: number, window: Buffer) {
    this.#fd = fd;
    this.#rules = rules;
    this.#endOffset = endOffset;
    this.#window = window;
    if (fd === undefined) this.#windowLength = window.byteLength;
  }

  /** @param endOffset - where the frames end; left out: the end of the file */
  static open(path: string, rules: FrameRules, endOffset?: number): BinReader {
    const fd = fs.openSync(path, "r");
    const { size } = fs.fstatSync(fd);
    const end = Math.min(size, endOffset ?? size);
    return new BinReader(fd, rules, end, Buffer.allocUnsafe(Math.min(windowBytes, Math.max(end, 1))));
  }

  /**
   * Reads a `.bin` that is in memory.
   *
   * @param endOffset - where the frames end; left out: with the bytes
   */
  static over(bytes: Uint8Array, rules: FrameRules, endOffset: number = bytes.byteLength): BinReader {
    const window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new BinReader(undefined, rules, Math.min(bytes.byteLength, endOffset), window);
  }

  /** Reads a `.bin` from wherever it is. */
  static of(bin: BinSource, rules: FrameRules, endOffset?: number): BinReader {
    return typeof bin === "string" ? BinReader.open(bin, rules, endOffset) : BinReader.over(bin, rules, endOffset);
  }

  /** Offset behind the last frame that was read: all before it is well framed. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes on at an offset where a frame begins. */
  seek(offset: number): void {
    this.#offset = offset;
  }

  /** @returns the next frame, or `undefined` where no whole frame follows */
  next(): BinFrame | undefined {
    const frame = this.#peek(this.#offset);
    if (frame === undefined) return undefined;
    this.#offset += limits.frameHeaderBytes + frame.payloadBytes;
    return frame;
  }

  /** The frame behind the last one that was read, without taking it. */
  peek(): BinFrame | undefined {
    return this.#peek(this.#offset);
  }

  #peek(offset: number): BinFrame | undefined {
    if (!this.#has(offset, limits.frameHeaderBytes)) return undefined;
    const payloadBytes = this.#window.readUInt32LE(offset - this.#windowOffset + 4);
    // Asked before the payload is read: a length that is none must not cost memory.
    if (payloadBytes > this.#rules.maxPayloadBytes) return undefined;
    const messageBytes = limits.frameHeaderBytes + payloadBytes;
    if (!this.#has(offset, messageBytes)) return undefined;
    const start = offset - this.#windowOffset;
    try {
      const header = parseFrame(this.#window, this.#rules, start, start + messageBytes);
      return new BinFrame(offset, header, this.#window, start + limits.frameHeaderBytes);
    } catch {
      return undefined;
    }
  }

  /** Whether so many bytes are there; they are in the window then. */
  #has(offset: number, byteCount: number): boolean {
    if (offset + byteCount > this.#endOffset) return false;
    const isInWindow = offset >= this.#windowOffset && offset + byteCount <= this.#windowOffset + this.#windowLength;
    if (!isInWindow && this.#fd !== undefined) this.#load(this.#fd, offset, byteCount);
    return offset - this.#windowOffset + byteCount <= this.#windowLength;
  }

  #load(fd: number, offset: number, byteCount: number): void {
    // A fresh window for each load: views of the frame before stay valid while the next one is peeked at.
    this.#window = Buffer.allocUnsafe(Math.max(Math.min(windowBytes, this.#endOffset - offset), byteCount));
    this.#windowOffset = offset;
    this.#windowLength = readFully(fd, this.#window, offset);
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
  }
}

/** Longer ones are read piece by piece. */
const heldBytes = 4 * 1024 * 1024;

/** A `.bin` that is about to be read more than once. */
export interface HeldBin {
  readonly source: BinSource;
  /** Of the whole file. */
  readonly fileBytes: number;
}

/** Takes a `.bin` up to an offset into memory, unless it is long. */
export function holdBin(path: string, endOffset: number): HeldBin {
  const fd = fs.openSync(path, "r");
  try {
    const { size } = fs.fstatSync(fd);
    const byteCount = Math.min(size, endOffset);
    if (byteCount > heldBytes) return { source: path, fileBytes: size };
    const bytes = Buffer.allocUnsafe(byteCount);
    return { source: bytes.subarray(0, readFully(fd, bytes, 0)), fileBytes: size };
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Fills a buffer from a file. A read that ends early is asked again, so that a failing disk is an error here and not
 * the end of the file.
 *
 * @returns the bytes that were there
 */
export function readFully(fd: number, target: Buffer, offset: number): number {
  let at = 0;
  while (at < target.byteLength) {
    const bytes = fs.readSync(fd, target, at, target.byteLength - at, offset + at);
    if (bytes === 0) break;
    at += bytes;
  }
  return at;
}
