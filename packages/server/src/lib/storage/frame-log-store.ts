import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { toError } from "../kernel/errors.ts";
import { AppendFile } from "./append-file-store.ts";
import { removeFile, syncFolder } from "./durable-file-store.ts";
import { type FrameLogRecord, formatFrameLogRecord, frameLogRecordBytes, parseFrameLog } from "./frame-log-record.ts";
import { SegmentTrust } from "./segment-trust.ts";

/** A log is followed by a fresh one, which starts with what is open, when it reaches this size. */
const maxLogBytes = 64 * 1024 * 1024;
/** Commits come at most this often: one sync carries the records of all streams. */
const commitIntervalMs = 100;

export interface FrameLogOptions {
  /** Folder of the logs, created if needed. */
  readonly folder: string;
  /** Identity of the server run; part of the file names. */
  readonly runId: string;
  /** Told when the log cannot be written: recording goes on, recovery after a power cut would know less. */
  readonly onError: (error: Error) => void;
  /** For tests: bytes after which a fresh log begins. */
  readonly maxBytes?: number;
}

/** One file of a run's log. */
interface LogFile {
  readonly path: string;
  readonly file: AppendFile;
  byteCount: number;
}

/**
 * The journal of all open segments of one server run: which bytes were written with which CRC, and up to where each
 * file is synced. It lets recovery tell real frames from what a power cut left behind. [S-3.1]
 *
 * One file for all streams, so that a commit costs one write and one sync however many streams there are.
 */
export class FrameLog {
  /** Told when commits begin to fail and when they work again. */
  onStateChange: (() => void) | undefined;
  readonly #options: FrameLogOptions;
  readonly #open = new Map<number, SegmentTrust>();
  #current: LogFile;
  #nextFileIndex = 1;
  #nextNumber = 1;
  #records: FrameLogRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();
  /** Resolves with the commit that carries what is recorded by now. */
  #next = Promise.withResolvers<void>();
  /** The last commit failed: what the current file holds is not known. */
  #isFailing = false;
  #closing: Promise<void> | undefined;

  private constructor(options: FrameLogOptions, current: LogFile) {
    this.#options = options;
    this.#current = current;
  }

  static async open(options: FrameLogOptions): Promise<FrameLog> {
    await mkdir(options.folder, { recursive: true });
    const current = await openLogFile(options, 0);
    await syncFolder(options.folder);
    return new FrameLog(options, current);
  }

  /** Registers a segment. @returns the number that its opening has to carry */
  openSegment(): number {
    const logNumber = this.#nextNumber++;
    this.#open.set(logNumber, new SegmentTrust());
    return logNumber;
  }

  /** Frames were written at `offset`. */
  recordWritten(logNumber: number, offset: number, slices: readonly Uint8Array[]): void {
    let crc = 0;
    let byteCount = 0;
    for (const slice of slices) {
      crc = crc32(slice, crc);
      byteCount += slice.byteLength;
    }
    const extent = { offset, byteCount, crc };
    this.#open.get(logNumber)?.addWritten(extent);
    this.#append({ kind: "written", logNumber, ...extent });
  }

  /** Everything before `offset` is on stable storage. */
  recordSynced(logNumber: number, offset: number): void {
    this.#open.get(logNumber)?.addSynced(offset);
    this.#append({ kind: "synced", logNumber, offset });
  }

  /** The segment is finished: nobody will ask for it any more. */
  closeSegment(logNumber: number): void {
    this.#open.delete(logNumber);
  }

  #append(record: FrameLogRecord): void {
    if (this.#closing !== undefined) return;
    this.#records.push(record);
    this.#scheduleCommit();
  }

  #scheduleCommit(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.commit();
    }, commitIntervalMs);
  }

  /** True while the log cannot be written: nothing is committed. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /**
   * Waits until all that was recorded so far is committed, by the commits that run anyway.
   *
   * @returns pending for as long as the log cannot be written; never rejects
   */
  committed(): Promise<void> {
    this.#scheduleCommit();
    return this.#next.promise;
  }

  /** Makes durable what was recorded until now. Never rejects: failures go to `onError`. */
  commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commitNow());
    return this.#committing;
  }

  async #commitNow(): Promise<void> {
    const records = this.#records;
    const waiting = this.#next;
    this.#records = [];
    this.#next = Promise.withResolvers<void>();
    try {
      await this.#write(records);
      waiting.resolve();
      this.#setFailing(false);
    } catch (error) {
      // Who waits for this commit waits for the next one that works: that one makes up for all.
      this.#next.promise.then(waiting.resolve);
      // Told once, however many tries it takes.
      if (!this.#isFailing) this.#options.onError(toError(error));
      this.#setFailing(true);
      if (this.#closing === undefined) this.#scheduleCommit();
    }
  }

  #setFailing(isFailing: boolean): void {
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    this.onStateChange?.();
  }

  async #write(records: readonly FrameLogRecord[]): Promise<void> {
    const isFull = this.#current.byteCount > (this.#options.maxBytes ?? maxLogBytes);
    // A file whose write or sync failed is not trusted again; the fresh one makes up for what was lost. [S-2.4]
    if (isFull || this.#isFailing) await this.#rotate();
    else if (records.length > 0) await writeRecords(this.#current, records);
  }

  /** Goes on in a fresh file that begins with all that is known of the open segments. Then only the old one goes. */
  async #rotate(): Promise<void> {
    const next = await openLogFile(this.#options, this.#nextFileIndex++);
    try {
      await writeRecords(
        next,
        [...this.#open].flatMap(([logNumber, trust]) => [...trust.records(logNumber)]),
      );
      await syncFolder(this.#options.folder);
    } catch (error) {
      await removeLogFile(next);
      throw error;
    }
    const old = this.#current;
    this.#current = next;
    // What it holds stands in the new one: left behind it does no harm.
    await removeLogFile(old).catch(() => {});
  }

  /** Commits and closes. The log is removed when its segments are all finished. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    clearTimeout(this.#timer);
    await this.commit();
    if (this.#open.size === 0) await removeLogFile(this.#current);
    else await this.#current.file.close();
  }
}

async function openLogFile({ folder, runId }: FrameLogOptions, index: number): Promise<LogFile> {
  const path = join(folder, `${runId}.${String(index).padStart(6, "0")}.log`);
  return { path, file: await AppendFile.open(path), byteCount: 0 };
}

async function writeRecords(log: LogFile, records: readonly FrameLogRecord[]): Promise<void> {
  const bytes = Buffer.allocUnsafe(records.length * frameLogRecordBytes);
  for (const [index, record] of records.entries()) formatFrameLogRecord(record, bytes, index * frameLogRecordBytes);
  await log.file.write([bytes], log.byteCount);
  log.byteCount += bytes.byteLength;
  await log.file.sync();
}

async function removeLogFile({ file, path }: LogFile): Promise<void> {
  await file.close();
  await removeFile(path);
}

/** What the logs of a run say about its segments, by log number. Missing or damaged logs say nothing. */
export async function readFrameLogs(folder: string, runId: string): Promise<ReadonlyMap<number, SegmentTrust>> {
  const trusts = new Map<number, SegmentTrust>();
  for (const name of await logNames(folder)) {
    if (!name.startsWith(`${runId}.`)) continue;
    for (const record of parseFrameLog(await readFile(join(folder, name)))) {
      const trust = trusts.get(record.logNumber) ?? new SegmentTrust();
      trusts.set(record.logNumber, trust);
      if (record.kind === "synced") trust.addSynced(record.offset);
      else trust.addWritten(record);
    }
  }
  return trusts;
}

/**
 * Removes the logs of earlier runs, once recovery is through with them.
 *
 * @param isKept - whether the logs of a run stay
 */
export async function removeOldFrameLogs(folder: string, isKept: (runId: string) => boolean): Promise<void> {
  for (const name of await logNames(folder)) {
    if (!isKept(name.slice(0, name.indexOf(".")))) await removeFile(join(folder, name));
  }
}

async function logNames(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith(".log")).sort();
}
