import fs from "node:fs";
import { type FrameRules, limits } from "@eet/protocol";

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
 * Reads the frames of a `.bin` one after the other, with bounded memory. Stops in front of the first bytes that are
 * not a frame. Synchronous: it runs in worker threads and tools.
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

  /** True when every byte was a frame's. */
  get isAtEnd(): boolean {
    return this.#offset === this.#endOffset;
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
    const header = this.#view(offset, limits.frameHeaderBytes);
    if (header === undefined || header.readUInt32LE(0) !== this.#rules.magic) return undefined;
    const payloadBytes = header.readUInt32LE(4);
    const seq = header.readUInt32LE(8);
    const { minPayloadBytes, maxPayloadBytes, alignmentBytes } = this.#rules;
    if (payloadBytes < minPayloadBytes || payloadBytes > maxPayloadBytes || payloadBytes % alignmentBytes !== 0) {
      return undefined;
    }
    const payload = this.#view(offset + limits.frameHeaderBytes, payloadBytes);
    return payload === undefined ? undefined : { offset, seq, payload };
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
    this.#windowLength = fs.readSync(this.#fd, this.#window, 0, this.#window.byteLength, offset);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
