import { join } from "node:path";
import { isDiskFull } from "./spool-error.ts";
import {
  type AppendFile,
  type CreateAppendFile,
  createSpoolFile,
  removeFile,
  type SpoolFile,
  syncFolder,
  truncateFile,
} from "./spool-file-store.ts";
import type { Batch, FrameGatherer } from "./spool-gatherer.ts";
import { endMarkBytes, formatEndMark } from "./spool-record.ts";
import type { SpoolRoom } from "./spool-room.ts";
import { emptyTally, joinTallies, type Tally } from "./spool-tally.ts";

/** How the names of files with frames end. */
export const framesSuffix = ".frames";

export interface SpoolWriterOptions {
  /** The journal's. */
  readonly folder: string;
  readonly fileBytes: number;
  readonly room: SpoolRoom;
  /** The journal's files, oldest first; the writer adds to it, and takes out what failed. */
  readonly files: SpoolFile[];
  /** Number of the first file that is created. */
  readonly nextFileNumber: number;
  readonly createFile: CreateAppendFile;
}

/** The file that takes frames. */
interface CurrentFile {
  readonly file: SpoolFile;
  readonly handle: AppendFile;
  /** Written, not synced: kept until then, because a failed sync may have lost them. */
  unsynced: Batch[];
  unsyncedBytes: number;
  syncedBytes: number;
  syncedTally: Tally;
  isNameSynced: boolean;
  /** Why it is not to be trusted any more. */
  failure: Error | undefined;
}

/**
 * Moves gathered frames into the files of a journal. Calls come one at a time, but for {@link sync}, which may run beside
 * {@link write}.
 *
 * A file whose write or sync failed is never tried again: the kernel may have dropped what was written since the last
 * sync, and report the next one as fine. What was not synced goes into a fresh file. A full disk is no such failure: the
 * write is tried again at the same place.
 */
export class SpoolWriter {
  readonly #options: SpoolWriterOptions;
  #current: CurrentFile | undefined;
  #syncing: Promise<void> | undefined;
  #nextFileNumber: number;
  /** What failed files hold that fresh ones are to hold instead. */
  #leftovers: { readonly path: string; readonly keepBytes: number }[] = [];
  #writtenSeq = 0;
  #syncedSeq = 0;

  constructor(options: SpoolWriterOptions) {
    this.#options = options;
    this.#nextFileNumber = options.nextFileNumber;
    this.#writtenSeq = options.files.at(-1)?.tally.nextSeq ?? 0;
    this.#syncedSeq = this.#writtenSeq;
  }

  /** Frames before it are with the system. */
  get writtenSeq(): number {
    return this.#writtenSeq;
  }

  /** Frames before it are on stable storage. */
  get syncedSeq(): number {
    return this.#syncedSeq;
  }

  /** The file that takes frames, if there is one. */
  get currentFile(): SpoolFile | undefined {
    return this.#current?.file;
  }

  /** Bytes that a sync would make durable; they are in memory until then. */
  get unsyncedBytes(): number {
    return this.#current?.unsyncedBytes ?? 0;
  }

  /** Writes what is gathered by now. @throws the system's error; what is not written is gathered still */
  async write(gatherer: FrameGatherer): Promise<void> {
    // What comes meanwhile waits for the next call: else a busy stream would be written frame by frame.
    let untilSeq = gatherer.nextSeq;
    for (;;) {
      const current = this.#current;
      if (current?.failure !== undefined) {
        untilSeq = Math.max(untilSeq, current.file.tally.nextSeq);
        await this.#abandon(current, gatherer);
      }
      const first = gatherer.batches()[0];
      if (first === undefined || first.firstSeq >= untilSeq) break;
      if (this.#isFull(first)) await this.finish();
      this.#current ??= await this.#create(first.firstSeq);
      await this.#writeTo(this.#current, gatherer, untilSeq);
    }
    await this.#cleanUp();
  }

  /** The current file has no room for the next batch. */
  #isFull(next: Batch): boolean {
    const recordsBytes = this.#current?.file.recordsBytes ?? 0;
    return recordsBytes > 0 && recordsBytes + next.bytes.byteLength > this.#options.fileBytes;
  }

  async #create(firstSeq: number): Promise<CurrentFile> {
    const name = `${String(this.#nextFileNumber++).padStart(8, "0")}${framesSuffix}`;
    const path = join(this.#options.folder, name);
    const handle = await this.#options.createFile(path);
    const tally = emptyTally(firstSeq);
    const file = createSpoolFile(path, tally, 0);
    this.#options.files.push(file);
    const state = { isNameSynced: false, failure: undefined };
    return { file, handle, unsynced: [], unsyncedBytes: 0, syncedBytes: 0, syncedTally: tally, ...state };
  }

  async #writeTo(current: CurrentFile, gatherer: FrameGatherer, untilSeq: number): Promise<void> {
    const { file, handle } = current;
    const batches = chooseBatches(gatherer, untilSeq, this.#options.fileBytes - file.recordsBytes);
    try {
      await handle.write(
        batches.map(({ bytes }) => bytes),
        file.recordsBytes,
      );
    } catch (error) {
      if (!isDiskFull(error)) current.failure ??= toError(error);
      throw error;
    }
    this.#keep(current, gatherer.shift(batches.length));
  }

  #keep(current: CurrentFile, batches: readonly Batch[]): void {
    const { file } = current;
    for (const batch of batches) {
      file.tally = joinTallies(file.tally, batch);
      file.recordsBytes += batch.bytes.byteLength;
      file.byteLength += batch.bytes.byteLength;
      current.unsyncedBytes += batch.bytes.byteLength;
      current.unsynced.push(batch);
      this.#writtenSeq = Math.max(this.#writtenSeq, batch.nextSeq);
    }
  }

  /** Gathers again what the file may not hold. The file itself stays until a fresh one has that. */
  async #abandon(current: CurrentFile, gatherer: FrameGatherer): Promise<void> {
    this.#current = undefined;
    await this.#settle();
    const { file, syncedBytes } = current;
    gatherer.unshift(current.unsynced);
    file.tally = current.syncedTally;
    file.recordsBytes = syncedBytes;
    file.byteLength = syncedBytes;
    if (syncedBytes === 0) {
      file.isGone = true;
      this.#options.files.splice(this.#options.files.indexOf(file), 1);
    }
    this.#leftovers.push({ path: file.path, keepBytes: syncedBytes });
    await current.handle.close();
  }

  async #cleanUp(): Promise<void> {
    for (const { path, keepBytes } of this.#leftovers.splice(0)) {
      try {
        if (keepBytes === 0) await removeFile(path);
        else await truncateFile(path, keepBytes);
      } catch {
        // It stays longer than it should; the next start passes over frames that it finds twice.
      }
    }
  }

  /**
   * Makes durable what is written by now.
   *
   * @throws the system's error; what was not synced is in memory, and the next {@link write} takes a fresh file for it
   */
  async syncAll(): Promise<void> {
    // One that runs already began too early.
    await this.#settle();
    await this.sync();
  }

  /** As {@link syncAll}, but a sync that runs already is waited for, and no other begun. */
  sync(): Promise<void> {
    const current = this.#current;
    if (current === undefined || current.unsynced.length === 0) return Promise.resolve();
    if (current.failure !== undefined) return Promise.reject(current.failure);
    this.#syncing ??= this.#syncNow(current).finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncNow(current: CurrentFile): Promise<void> {
    const count = current.unsynced.length;
    try {
      await current.handle.sync();
      if (!current.isNameSynced) await syncFolder(this.#options.folder);
    } catch (error) {
      current.failure ??= toError(error);
      throw error;
    }
    current.isNameSynced = true;
    for (const batch of current.unsynced.splice(0, count)) {
      current.syncedTally = joinTallies(current.syncedTally, batch);
      current.syncedBytes += batch.bytes.byteLength;
      current.unsyncedBytes -= batch.bytes.byteLength;
      this.#syncedSeq = Math.max(this.#syncedSeq, batch.nextSeq);
    }
  }

  /** Waits for a sync that runs, however it ends. */
  async #settle(): Promise<void> {
    await this.#syncing?.catch(() => {});
  }

  /** Syncs the current file and marks its end; the next frames go into a fresh one. @throws as {@link syncAll} does */
  async finish(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    await this.syncAll();
    const { file, handle } = current;
    try {
      if (file.recordsBytes > 0) await handle.write([formatEndMark(file.tally, file.recordsBytes)], file.recordsBytes);
      file.byteLength += endMarkBytes;
      this.#options.room.take(endMarkBytes);
    } catch {
      // Without the mark the next start reads the file to know what is in it.
    }
    this.#current = undefined;
    await handle.close();
  }

  /** Closes the current file as it is: nobody needs it any more. Never rejects. */
  async discard(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    this.#syncedSeq = Math.max(this.#syncedSeq, current.file.tally.nextSeq);
    await this.#settle();
    await current.handle.close();
  }
}

/** Batches from before `untilSeq` that fit into `byteCount`; one at least. */
function chooseBatches(gatherer: FrameGatherer, untilSeq: number, byteCount: number): readonly Batch[] {
  const chosen: Batch[] = [];
  let left = byteCount;
  for (const batch of gatherer.batches()) {
    left -= batch.bytes.byteLength;
    if (batch.firstSeq >= untilSeq || (left < 0 && chosen.length > 0)) break;
    chosen.push(batch);
  }
  return chosen;
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
