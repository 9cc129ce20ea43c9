import type { FrameLogRecord, WrittenExtent } from "./frame-log-record.ts";

/** How much of an open segment's file is to be believed after a power cut. [S-3.1] */
export class SegmentTrust {
  #syncedBytes = 0;
  #extents: WrittenExtent[] = [];

  /** Everything before this offset was on stable storage. */
  get syncedBytes(): number {
    return this.#syncedBytes;
  }

  /** What was written behind it, in the order of writing: believed where the CRC holds. */
  get extents(): readonly WrittenExtent[] {
    return this.#extents;
  }

  addWritten(extent: WrittenExtent): void {
    // Where a fresh log was begun meanwhile, extents are told again after the sync that covers them.
    if (this.#isBeyondSync(extent)) this.#extents.push(extent);
  }

  addSynced(offset: number): void {
    this.#syncedBytes = Math.max(this.#syncedBytes, offset);
    this.#extents = this.#extents.filter((extent) => this.#isBeyondSync(extent));
  }

  #isBeyondSync({ offset, byteCount }: WrittenExtent): boolean {
    return offset + byteCount > this.#syncedBytes;
  }

  /** The records that bring another trust to this state. */
  *records(logNumber: number): Generator<FrameLogRecord> {
    yield { kind: "synced", logNumber, offset: this.#syncedBytes };
    for (const extent of this.#extents) yield { kind: "written", logNumber, ...extent };
  }
}
