import fs from "node:fs";
import { type FrameRules, limits, parseFrame } from "@eet/protocol";

const windowBytes = 256 * 1024;

/** One frame as it stands in a `.bin`. */
export interface BinFrame {
  /** Offset of the frame's header. */
  readonly offset: number;
  /** As on the wire. */
  readonly seq: number;
  /** A view into what was read; nobody writes over it. */
  readonly payload: Buffer;
}

/**
 * Reads the frames of a `.bin` one after the other, with bounded memory. Stops in front of the first bytes that would
 * not have been taken from the wire as a frame. Synchronous: it runs in worker threads and tools.
 */
export class BinReader {
  readonly #fd: number;
  readonly #rules: FrameRules;
  readonly #endOffset: number;
  #window: Buffer;
  /** Offset in the file of the window's first byte. */
  #windowOffset = 0;
  #windowLength = 0;
  #offset = 0;

  private constructor(fd: number, rules: FrameRules, endOffset: number) {
    this.#fd = fd;
    this.#rules = rules;
    this.#endOffset = endOffset;
    this.#window = Buffer.allocUnsafe(Math.min(windowBytes, Math.max(endOffset, 1)));
  }

  /** @param endOffset - where the frames end; left out: the end of the file */
  static open(path: string, rules: FrameRules, endOffset?: number): BinReader {
    const fd = fs.openSync(path, "r");
    const { size } = fs.fstatSync(fd);
    return new BinReader(fd, rules, Math.min(size, endOffset ?? size));
  }

  /** Offset behind the last frame that was read: all before it is well framed. */
  get offset(): number {
    return this.#offset;
  }

  /** @returns the next frame, or `undefined` where no whole frame follows */
  next(): BinFrame | undefined {
    const frame = this.#peek(this.#offset);
    if (frame === undefined) return undefined;
    this.#offset += limits.frameHeaderBytes + frame.payload.byteLength;
    return frame;
  }

  /** The frame behind the last one that was read, without taking it. */
  peek(): BinFrame | undefined {
    return this.#peek(this.#offset);
  }

  #peek(offset: number): BinFrame | undefined {
    const payloadBytes = this.#view(offset, limits.frameHeaderBytes)?.readUInt32LE(4);
    // Asked before the payload is read: a length that is none must not cost memory.
    if (payloadBytes === undefined || payloadBytes > this.#rules.maxPayloadBytes) return undefined;
    const message = this.#view(offset, limits.frameHeaderBytes + payloadBytes);
    if (message === undefined) return undefined;
    try {
      const { seq } = parseFrame(message, this.#rules);
      return { offset, seq, payload: message.subarray(limits.frameHeaderBytes) };
    } catch {
      return undefined;
    }
  }

  #view(offset: number, byteCount: number): Buffer | undefined {
    if (offset + byteCount > this.#endOffset) return undefined;
    const isInWindow = offset >= this.#windowOffset && offset + byteCount <= this.#windowOffset + this.#windowLength;
    if (!isInWindow) this.#load(offset, byteCount);
    const start = offset - this.#windowOffset;
    return start + byteCount <= this.#windowLength ? this.#window.subarray(start, start + byteCount) : undefined;
  }

  #load(offset: number, byteCount: number): void {
    // A fresh window for each load: views of the frame before stay valid while the next one is peeked at.
    this.#window = Buffer.allocUnsafe(Math.max(Math.min(windowBytes, this.#endOffset - offset), byteCount));
    this.#windowOffset = offset;
    this.#windowLength = readFully(this.#fd, this.#window, offset);
  }

  close(): void {
    fs.closeSync(this.#fd);
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
