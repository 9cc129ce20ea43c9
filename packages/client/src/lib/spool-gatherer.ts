import { countRecordBytes, formatRecord } from "./spool-record.ts";
import type { Tally } from "./spool-tally.ts";

/** Records in a row that are written together. */
export interface Batch extends Tally {
  readonly bytes: Buffer;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Frames on their way to a file, in memory. Records are put one behind the other into chunks; a batch is what came into
 * one chunk since the last look, so that a slow stream does not cost a chunk for each write.
 */
export class FrameGatherer {
  readonly #chunkBytes: number;
  readonly #batches: Batch[] = [];
  #batchedBytes = 0;
  #chunk: Buffer = Buffer.alloc(0);
  /** Where the next batch begins and ends in the chunk. */
  #from = 0;
  #to = 0;
  #tally: Writable<Tally> | undefined;

  /** @param chunkBytes - size of the chunks; a larger record gets one of its own */
  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  /** Bytes of all records. */
  get byteLength(): number {
    return this.#batchedBytes + this.#to - this.#from;
  }

  /** One past the last frame; 0 without any. */
  get nextSeq(): number {
    return this.#tally?.nextSeq ?? this.#batches.at(-1)?.nextSeq ?? 0;
  }

  /** What is gathered, oldest first. */
  tallies(): readonly Tally[] {
    return this.#tally === undefined ? this.#batches : [...this.#batches, this.#tally];
  }

  /** Takes a copy of a frame, as a record. */
  append(seq: number, sampleCount: number, payload: Uint8Array): void {
    const byteCount = countRecordBytes(payload.byteLength);
    if (this.#to + byteCount > this.#chunk.byteLength) this.#startChunk(byteCount);
    formatRecord(this.#chunk, this.#to, seq, sampleCount, payload);
    this.#to += byteCount;
    const tally = this.#tally;
    if (tally === undefined) {
      this.#tally = { firstSeq: seq, nextSeq: seq + 1, frameCount: 1, sampleCount };
      return;
    }
    tally.nextSeq = seq + 1;
    tally.frameCount++;
    tally.sampleCount += sampleCount;
  }

  #startChunk(byteCount: number): void {
    this.#closeBatch();
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, byteCount));
    this.#from = 0;
    this.#to = 0;
  }

  #closeBatch(): void {
    if (this.#tally === undefined) return;
    const bytes = this.#chunk.subarray(this.#from, this.#to);
    this.#batches.push({ ...this.#tally, bytes });
    this.#batchedBytes += bytes.byteLength;
    this.#from = this.#to;
    this.#tally = undefined;
  }

  /** All frames, oldest first; valid until the next call of any method. Their bytes never change. */
  batches(): readonly Batch[] {
    this.#closeBatch();
    return this.#batches;
  }

  /** Takes out the oldest batches: they are written, or nobody needs them. */
  shift(count: number): readonly Batch[] {
    const batches = this.#batches.splice(0, count);
    for (const { bytes } of batches) this.#batchedBytes -= bytes.byteLength;
    return batches;
  }

  /** Puts batches back in front. */
  unshift(batches: readonly Batch[]): void {
    this.#batches.unshift(...batches);
    for (const { bytes } of batches) this.#batchedBytes += bytes.byteLength;
  }
}
