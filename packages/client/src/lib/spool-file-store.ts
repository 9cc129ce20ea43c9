import { type FileHandle, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { SpooledFrame } from "./spool.ts";
import { systemErrorCode } from "./spool-error.ts";
import { endMarkBytes, measureRecord, parseEndMark, parseRecord } from "./spool-record.ts";
import { emptyTally, joinTallies, type Tally } from "./spool-tally.ts";

/** What one read takes in; a larger record gets a read of its own. */
const chunkBytes = 256 * 1024;
const recordStartBytes = 8;

/** One file of a journal, as it is known in memory. */
export interface SpoolFile {
  readonly path: string;
  /** The frames that are to be read from it. */
  tally: Tally;
  /** Where its records end. */
  recordsBytes: number;
  /** What it takes of the spool's bound. */
  byteLength: number;
  /** Deleted, or about to be. */
  isGone: boolean;
  /** The disk is asked to delete it: it may be there or not, and stays if the disk refuses. */
  isGoing: boolean;
  /** Damage in it was told of. */
  isReported: boolean;
}

/** What is known of a file with `byteLength` bytes, all of them records of the frames in `tally`. */
export function createSpoolFile(path: string, tally: Tally, byteLength: number): SpoolFile {
  return { path, tally, recordsBytes: byteLength, byteLength, isGone: false, isGoing: false, isReported: false };
}

/** A file that is being written. One call at a time, but for {@link AppendFile.sync}, which may run beside others. */
export interface AppendFile {
  /** Writes all of `slices` at `offset`, going on after short writes. */
  write(slices: readonly Uint8Array[], offset: number): Promise<void>;
  /** `fdatasync`. After a failure the file is not to be trusted, nor synced again. */
  sync(): Promise<void>;
  /** Never rejects: nothing is left to fail after a sync. */
  close(): Promise<void>;
}

/** How files are created; tests give disks that fail. */
export type CreateAppendFile = (path: string) => Promise<AppendFile>;

/** Creates a file; fails with `EEXIST` when it is there. */
export async function createAppendFile(path: string): Promise<AppendFile> {
  const handle = await open(path, "wx", 0o644);
  return {
    write: (slices, offset) => writeAll(handle, slices, offset),
    sync: () => handle.datasync(),
    close: () => handle.close().catch(() => {}),
  };
}

async function writeAll(handle: FileHandle, slices: readonly Uint8Array[], offset: number): Promise<void> {
  const byteCount = slices.reduce((sum, slice) => sum + slice.byteLength, 0);
  const { bytesWritten } = await handle.writev(slices as Uint8Array[], offset);
  // A short write says that the next one fails; that one says why.
  for (let rest = bytesWritten; rest < byteCount; ) {
    const { slice, from } = sliceAt(slices, rest);
    rest += (await handle.write(slice, from, slice.byteLength - from, offset + rest)).bytesWritten;
  }
}

function sliceAt(slices: readonly Uint8Array[], at: number): { readonly slice: Uint8Array; readonly from: number } {
  let from = at;
  for (const slice of slices) {
    if (from < slice.byteLength) return { slice, from };
    from -= slice.byteLength;
  }
  throw new RangeError(`${at} is past the end of what is to be written`);
}

/** Makes the names in a folder durable. Systems that cannot sync a folder (Windows) are left as they are. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder and those above it, durably; one that is there is fine. */
export async function createFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(first);
  for (let folder = dirname(resolve(path)); folder.startsWith(top); folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === top) return;
  }
}

/** Deletes a file; one that is gone already is fine. */
export function removeFile(path: string): Promise<void> {
  return rm(path, { force: true });
}

/** Cuts a file; one that is gone already is fine. */
export async function truncateFile(path: string, byteCount: number): Promise<void> {
  try {
    const handle = await open(path, "r+");
    await handle.truncate(byteCount).finally(() => handle.close());
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Reads the records of a file one after the other, as far as {@link SpoolFile.recordsBytes} says by then. */
export class RecordReader {
  readonly file: SpoolFile;
  readonly #handle: FileHandle;
  #chunk: Buffer = Buffer.alloc(0);
  /** Where the next record begins in the chunk. */
  #at = 0;
  /** Where the chunk ends in the file. */
  #chunkEnd = 0;

  private constructor(file: SpoolFile, handle: FileHandle) {
    this.file = file;
    this.#handle = handle;
  }

  static async open(file: SpoolFile): Promise<RecordReader> {
    return new RecordReader(file, await open(file.path, "r"));
  }

  /** Where the next record begins in the file. */
  get offset(): number {
    return this.#chunkEnd - this.#chunk.byteLength + this.#at;
  }

  /**
   * The next record from memory; each payload is a view into a chunk that nobody reuses.
   *
   * @returns `"more"` when {@link fill} has to go first, `"damaged"` when no record stands here
   */
  next(): SpooledFrame | "more" | "damaged" {
    const left = this.#chunk.byteLength - this.#at;
    if (left < recordStartBytes) return "more";
    const byteCount = measureRecord(this.#chunk, this.#at);
    if (byteCount === 0) return "damaged";
    if (left < byteCount) return "more";
    const frame = parseRecord(this.#chunk, this.#at, byteCount);
    if (frame === undefined) return "damaged";
    this.#at += byteCount;
    return frame;
  }

  /** True when the file goes on behind what is in memory. */
  get hasMore(): boolean {
    return this.#chunkEnd < this.file.recordsBytes;
  }

  /** Reads on. @returns false when the file has no more, whatever it should have */
  async fill(): Promise<boolean> {
    if (!this.hasMore) return false;
    const from = this.offset;
    const known = this.#chunk.byteLength - this.#at;
    const wanted = Math.min(this.#wantedBytes(), this.file.recordsBytes - from);
    const chunk = Buffer.allocUnsafeSlow(wanted);
    const { bytesRead } = await this.#handle.read(chunk, 0, wanted, from);
    this.#chunk = chunk.subarray(0, bytesRead);
    this.#at = 0;
    this.#chunkEnd = from + bytesRead;
    return bytesRead > known;
  }

  #wantedBytes(): number {
    const isStartKnown = this.#chunk.byteLength - this.#at >= recordStartBytes;
    const recordBytes = isStartKnown ? measureRecord(this.#chunk, this.#at) : 0;
    return Math.max(chunkBytes, recordBytes);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A file of an earlier process. */
export interface InspectedFile {
  readonly file: SpoolFile;
  /** Bytes behind the last whole record that are nothing. */
  readonly restBytes: number;
}

/**
 * Looks at a file that an earlier process left. A finished one says what is in it; any other is read up to the first
 * record that is not whole: a crash leaves a torn one, a power cut zeros or worse.
 *
 * @param fromSeq - frames before it stand in an earlier file as well, and are not counted
 */
export async function inspectFile(path: string, fromSeq: number): Promise<InspectedFile> {
  const { size } = await stat(path);
  const file = createSpoolFile(path, emptyTally(fromSeq), size);
  const marked = await readEndMark(path, size);
  const markBytes = marked === undefined ? 0 : endMarkBytes;
  if (marked !== undefined && marked.firstSeq >= fromSeq) {
    file.tally = marked;
    file.recordsBytes = size - markBytes;
    return { file, restBytes: 0 };
  }
  const reader = await RecordReader.open(file);
  try {
    file.tally = await countFrames(reader, file.tally);
    file.recordsBytes = reader.offset;
  } finally {
    await reader.close();
  }
  return { file, restBytes: size - markBytes - file.recordsBytes };
}

async function countFrames(reader: RecordReader, start: Tally): Promise<Tally> {
  let tally = start;
  for (;;) {
    const frame = reader.next();
    if (frame === "damaged" || (frame === "more" && !(await reader.fill()))) return tally;
    if (frame === "more" || frame.seq < tally.nextSeq) continue;
    const { seq, sampleCount } = frame;
    tally = joinTallies(tally, { firstSeq: seq, nextSeq: seq + 1, frameCount: 1, sampleCount });
  }
}

async function readEndMark(path: string, size: number): Promise<Tally | undefined> {
  if (size <= endMarkBytes) return undefined;
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(endMarkBytes), 0, endMarkBytes, size - endMarkBytes);
    return parseEndMark(buffer.subarray(0, bytesRead), size - endMarkBytes);
  } finally {
    await handle.close();
  }
}
