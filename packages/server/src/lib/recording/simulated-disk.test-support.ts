import { StorageError } from "../kernel/errors.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { type FakeClock, systemError } from "./recording.test-support.ts";
import type { WritableSegment } from "./segment-writer.ts";
import type { SimulatedFrameLog } from "./simulated-frame-log.test-support.ts";
import type { SimulatedOperations } from "./simulated-operations.test-support.ts";

/** What a disk refuses for a while. */
export interface DiskFault {
  readonly operation: "open" | "write" | "sync" | "commit";
  readonly code: "EIO" | "ENOSPC" | "EMFILE";
  /** Operations that fail. */
  count: number;
  /** Of the clock; none fails from then on. */
  readonly untilMs: number;
}

/** Made once: scenarios fail by the million. */
const errors = {
  ...{ EIO: systemError("EIO"), ENOSPC: systemError("ENOSPC"), EMFILE: systemError("EMFILE") },
  ...{ EEXIST: systemError("EEXIST"), failedSync: new StorageError("STORAGE_IO", "as if") },
};

interface Extent {
  readonly offset: number;
  readonly byteCount: number;
  isCommitted: boolean;
}

/** The file of one segment: what was written, what of it is on stable storage, and what the frame log says of it. */
export class SimulatedFile {
  readonly opening: SegmentOpening;
  #content: Buffer = Buffer.alloc(0);
  /** The system has all before it on stable storage. */
  #syncedBytes = 0;
  /** A sync failed with bytes behind this under way: no later one brings them back. */
  #lostFrom = Infinity;
  /** The frame log has committed that all before it is synced. */
  #committedBytes = 0;
  #extents: Extent[] = [];
  /** It stands under its final name: all of it is on stable storage. */
  isFinal = false;

  constructor(opening: SegmentOpening) {
    this.opening = opening;
  }

  get content(): Buffer {
    return this.#content;
  }

  /** Bytes that are there after a power cut, whatever comes. */
  get durableBytes(): number {
    return this.isFinal ? this.#content.length : Math.min(this.#committedBytes, this.#syncedBytes);
  }

  /** Wire seqs of the frames in {@link durableBytes}. */
  *durableSeqs(): Generator<number> {
    for (const frame of splitFrames(this.#content.subarray(0, this.durableBytes))) yield frame.readUInt32LE(8);
  }

  get syncedBytes(): number {
    return this.isFinal ? this.#content.length : this.#syncedBytes;
  }

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.byteLength;
    this.#content = Buffer.concat([this.#content.subarray(0, offset), bytes, this.#content.subarray(end)]);
  }

  sync(byteCount: number): void {
    this.#syncedBytes = Math.max(this.#syncedBytes, Math.min(byteCount, this.#lostFrom));
  }

  /** A sync fails: the kernel drops what it could not store, and the next sync would not know. [S-2.4] */
  loseUnsynced(): void {
    this.#lostFrom = Math.min(this.#lostFrom, this.#syncedBytes);
  }

  /** @returns what makes the record durable */
  recordWritten(offset: number, byteCount: number): () => void {
    const extent = { offset, byteCount, isCommitted: false };
    this.#extents.push(extent);
    return () => {
      extent.isCommitted = true;
    };
  }

  /** @returns what makes the record durable */
  recordSynced(offset: number): () => void {
    return () => {
      this.#committedBytes = Math.max(this.#committedBytes, offset);
    };
  }

  /** Leaves what is believed after a power cut: what the log proves; of the rest each write has survived or not. [S-3.1] */
  cutPower(random: () => number): void {
    if (this.isFinal) return;
    let provenBytes = this.durableBytes;
    for (const { offset, byteCount, isCommitted } of this.#extents) {
      const end = offset + byteCount;
      if (!isCommitted || end <= provenBytes) continue;
      const isThere = end <= this.#syncedBytes || (end <= this.#lostFrom && random() < 0.5);
      if (offset > provenBytes || end > this.#content.length || !isThere) break;
      provenBytes = end;
    }
    this.#content = this.#content.subarray(0, provenBytes);
  }

  /** Cuts it and gives it its final name. */
  finish(byteCount: number): void {
    this.#content = this.#content.subarray(0, byteCount);
    this.isFinal = true;
  }
}

export interface SimulatedDiskOptions {
  readonly clock: FakeClock;
  readonly operations: SimulatedOperations;
  readonly random: () => number;
  /** Told what must never happen. */
  readonly blame: (fault: string) => void;
}

/** A disk in memory that takes its time, refuses, and forgets what was not brought to rest. */
export class SimulatedDisk {
  /** By `{session}-{index}`. */
  readonly files = new Map<string, SimulatedFile>();
  readonly #options: SimulatedDiskOptions;
  #faults: DiskFault[] = [];

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  fail(fault: DiskFault): void {
    this.#faults.push(fault);
  }

  heal(): void {
    this.#faults = [];
    this.#options.operations.pace = "quick";
  }

  /** The error that an operation meets now, if any. */
  takeFault(operation: DiskFault["operation"]): DiskFault["code"] | undefined {
    const { nowMs } = this.#options.clock;
    this.#faults = this.#faults.filter(({ count, untilMs }) => count > 0 && nowMs < untilMs);
    const fault = this.#faults.find((each) => each.operation === operation);
    if (fault !== undefined) fault.count -= 1;
    return fault?.code;
  }

  /** The files of a session, by index. */
  filesOf(session: string): SimulatedFile[] {
    const files = [...this.files.values()].filter(({ opening }) => opening.session.session === session);
    return files.sort((a, b) => a.opening.index - b.opening.index);
  }

  /** Wire seqs of the session's frames that would be there if the power went now. */
  durableSeqs(session: string): ReadonlySet<number> {
    return new Set(this.filesOf(session).flatMap((file) => [...file.durableSeqs()]));
  }

  remove({ opening }: SimulatedFile): void {
    this.files.delete(nameOf(opening));
  }

  /** Makes a segment's file, as the recorder asks for it. */
  open(opening: SegmentOpening, log: SimulatedFrameLog): Promise<WritableSegment> {
    return this.#options.operations.run(() => {
      const code = this.takeFault("open");
      if (code !== undefined) throw errors[code];
      const name = nameOf(opening);
      if (this.files.has(name)) {
        this.#options.blame(`segment ${name} is made while one of that name is there`);
        throw errors.EEXIST;
      }
      const file = new SimulatedFile(opening);
      this.files.set(name, file);
      return this.#handle(file, log);
    });
  }

  #handle(file: SimulatedFile, log: SimulatedFrameLog): WritableSegment {
    const { operations } = this.#options;
    return {
      write: (slices, offset) =>
        operations.run(() => this.#write(file, slices, offset, log), {
          onLost: () => this.#writePart(file, slices, offset),
        }),
      sync: (offset) => {
        const byteCount = file.content.length;
        return operations.run(() => this.#sync(file, byteCount, offset, log));
      },
      close: () => operations.run(() => {}),
    };
  }

  #write(file: SimulatedFile, slices: readonly Uint8Array[], offset: number, log: SimulatedFrameLog): void {
    if (offset > file.content.length) this.#options.blame(`a write to ${nameOf(file.opening)} leaves a hole`);
    const code = this.takeFault("write");
    if (code !== undefined) {
      this.#writePart(file, slices, offset);
      throw errors[code];
    }
    const bytes = Buffer.concat(slices);
    file.write(bytes, offset);
    log.record(file.recordWritten(offset, bytes.length));
  }

  /** Some bytes have come through, up to anywhere in a frame. */
  #writePart(file: SimulatedFile, slices: readonly Uint8Array[], offset: number): void {
    const bytes = Buffer.concat(slices);
    file.write(bytes.subarray(0, Math.floor(this.#options.random() * bytes.length)), offset);
  }

  #sync(file: SimulatedFile, byteCount: number, offset: number, log: SimulatedFrameLog): void {
    const code = this.takeFault("sync");
    if (code !== undefined) {
      file.loseUnsynced();
      throw errors.failedSync;
    }
    file.sync(byteCount);
    log.record(file.recordSynced(offset));
  }

  /** What is left of files that are not finished when the machine loses its power. */
  cutPower(): void {
    for (const file of this.files.values()) file.cutPower(this.#options.random);
  }
}

const frameHeaderBytes = 12;

/** The whole frames that a file begins with. */
export function* splitFrames(content: Buffer): Generator<Buffer> {
  for (let at = 0; at + frameHeaderBytes <= content.length; ) {
    const end = at + frameHeaderBytes + content.readUInt32LE(at + 4);
    if (end > content.length) return;
    yield content.subarray(at, end);
    at = end;
  }
}

function nameOf({ session, index }: SegmentOpening): string {
  return `${session.session}-${index}`;
}
