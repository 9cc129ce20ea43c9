import type { StreamFormat } from "@eet/protocol";
import type { IngressLimits } from "./ingress-limits.ts";

/** Every device may send so much, however little its format needs. */
const minBytesPerS = 1024 * 1024;
/** What was not used is kept for so long: a backlog comes at once. */
const burstS = 10;
/** Of the smallest WebSocket frame of a client; larger ones have 8 or 14. */
const frameHeaderBytes = 6;
/** A sender of tiny frames stays slowed for so long after the last second in which it sent too many. */
const slowS = 10;
/** With less than this of its bucket left a device is asked to slow down, before it is made to. */
const lowShare = 1 / 4;
/** It is no more with so much. */
const enoughShare = 1 / 2;
/** What it may send meanwhile at least. */
const minSlowBytesPerS = 64 * 1024;
/** Of a message besides its samples: its own header, ADPCM's and that of WebSocket. */
const messageOverheadBytes = 12 + 4 + 8;
/** Of formats that do not tell the size of their frames. */
const assumedFramesPerS = 100;

/** What a connection has brought in all. */
export interface IngressTotals {
  /** Bytes of the socket. */
  readonly wireBytes: number;
  /** Bytes of whole messages. */
  readonly messageBytes: number;
  /** Bytes of the socket since the last whole message: a part of one, or nothing yet. */
  readonly partialBytes: number;
}

/**
 * How much of a connection may be read: a bucket that a second fills by many times what the format needs. A device that
 * brings a backlog is not held up; one that sends without an end, or cuts what it sends into tiny frames, is read in portions
 * of a second. It loses nothing, its own TCP makes it wait.
 */
export class IngressBudget {
  readonly #limits: Pick<IngressLimits, "maxRateFactor" | "maxFramesPerS">;
  #bytesPerS = minBytesPerS;
  #balanceBytes = minBytesPerS * burstS;
  #overheadBytes = 0;
  #wireBytes = 0;
  #slowCount = 0;
  #slowBytesPerS = 0;
  #isLow = false;

  constructor(limits: Pick<IngressLimits, "maxRateFactor" | "maxFramesPerS">) {
    this.#limits = limits;
  }

  /** Whether the sender had better slow down, by the last {@link sweep}. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** The format is known. */
  setFormat(format: StreamFormat): void {
    const bytesPerS = Math.max(minBytesPerS, nominalBytesPerS(format) * this.#limits.maxRateFactor);
    this.#balanceBytes += (bytesPerS - this.#bytesPerS) * burstS;
    this.#bytesPerS = bytesPerS;
  }

  /** Takes what was read. @returns false when nothing more may be read until {@link sweep} */
  take(byteCount: number): boolean {
    this.#balanceBytes -= byteCount;
    return this.#balanceBytes >= 0 || this.#limits.maxRateFactor === 0;
  }

  /** A second has passed. @returns whether reading may go on */
  sweep({ wireBytes, messageBytes, partialBytes }: IngressTotals): boolean {
    // Headers of frames, known once their message is whole.
    const overheadBytes = Math.max(this.#overheadBytes, wireBytes - messageBytes - partialBytes);
    const frameCount = (overheadBytes - this.#overheadBytes) / frameHeaderBytes;
    if (frameCount > this.#limits.maxFramesPerS) this.#slow((wireBytes - this.#wireBytes) / frameCount);
    else this.#slowCount = Math.max(0, this.#slowCount - 1);
    this.#overheadBytes = overheadBytes;
    this.#wireBytes = wireBytes;
    const isSlow = this.#slowCount > 0;
    const bytesPerS = isSlow ? this.#slowBytesPerS : this.#bytesPerS;
    const mostBytes = isSlow ? bytesPerS : bytesPerS * burstS;
    this.#balanceBytes = Math.min(mostBytes, this.#balanceBytes + bytesPerS);
    if (this.#limits.maxRateFactor === 0) return true;
    this.#isLow = isSlow || this.#balanceBytes < mostBytes * (this.#isLow ? enoughShare : lowShare);
    return this.#balanceBytes >= 0;
  }

  #slow(bytesPerFrame: number): void {
    this.#slowCount = slowS;
    const fittingBytes = Math.max(minSlowBytesPerS, this.#limits.maxFramesPerS * bytesPerFrame);
    this.#slowBytesPerS = Math.min(this.#bytesPerS, fittingBytes);
  }
}

/** What a device of a format sends in a second, headers included. */
export function nominalBytesPerS({ codec, sampleRateHz, channels, frameSampleCount }: StreamFormat): number {
  const bytesPerSample = codec === "pcm16" ? 2 : 0.5;
  const framesPerS = frameSampleCount === 0 ? assumedFramesPerS : sampleRateHz / frameSampleCount;
  return sampleRateHz * channels * bytesPerSample + framesPerS * messageOverheadBytes;
}
