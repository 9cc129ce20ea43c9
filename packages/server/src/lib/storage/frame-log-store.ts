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

/**
 * The journal of all open segments of one server run: which bytes were written with which CRC, and up to where each
 * file is synced. It lets recovery tell real frames from what a power cut left behind. [S-3.1]
 *
 * One file for all streams, so that a commit costs one write and one sync however many streams there are.
 */
export class FrameLog {
  readonly #options: FrameLogOptions;
  readonly #open = new Map<number, SegmentTrust>();
  #file: AppendFile;
  #fileIndex = 0;
  #fileBytes = 0;
  #nextNumber = 1;
  #records: FrameLogRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: FrameLogOptions, file: AppendFile) {
    this.#options = options;
    this.#file = file;
  }

  static async open(options: FrameLogOptions): Promise<FrameLog> {
    await mkdir(options.folder, { recursive: true });
    const file = await AppendFile.open(logPath(options, 0));
    await syncFolder(options.folder);
    return new FrameLog(options, file);
  }

  /** Registers a segment. @returns the number that its opening has to carry */
  openSegment(): number {
    const logNumber = this.#nextNumber++;
    this.#open.set(logNumber, new SegmentTrust());
    return logNumber;
  }

  /** Frames are about to be written at `offset`. */
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
    if (this.#isClosed) return;
    this.#records.push(record);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.commit();
    }, commitIntervalMs);
  }

  /** Makes durable what was recorded until now. Never rejects: failures go to `onError`. */
  commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#writeRecords());
    return this.#committing;
  }

  async #writeRecords(): Promise<void> {
    const records = this.#records;
    if (records.length === 0) return;
    this.#records = [];
    try {
      if (this.#fileBytes > (this.#options.maxBytes ?? maxLogBytes)) await this.#rotate();
      await this.#write(records);
    } catch (error) {
      this.#options.onError(toError(error));
    }
  }

  async #write(records: readonly FrameLogRecord[]): Promise<void> {
    const bytes = Buffer.allocUnsafe(records.length * frameLogRecordBytes);
    for (const [index, record] of records.entries()) formatFrameLogRecord(record, bytes, index * frameLogRecordBytes);
    await this.#file.write([bytes], this.#fileBytes);
    this.#fileBytes += bytes.byteLength;
    await this.#file.sync();
  }

  /** Only when the fresh log is durable the old one goes. */
  async #rotate(): Promise<void> {
    const oldFile = this.#file;
    const oldPath = logPath(this.#options, this.#fileIndex);
    this.#file = await AppendFile.open(logPath(this.#options, this.#fileIndex + 1));
    this.#fileIndex += 1;
    this.#fileBytes = 0;
    await this.#write([...this.#open].flatMap(([logNumber, trust]) => [...trust.records(logNumber)]));
    await syncFolder(this.#options.folder);
    await oldFile.close();
    await removeFile(oldPath);
  }

  /** Commits and closes. Logs whose segments are all finished are removed. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.#committing;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.commit();
    await this.#file.close();
    if (this.#open.size === 0) await removeFile(logPath(this.#options, this.#fileIndex));
  }
}

function logPath(options: FrameLogOptions, index: number): string {
  return join(options.folder, `${options.runId}.${String(index).padStart(6, "0")}.log`);
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

/** Removes the logs of all runs but one, once recovery is through with them. */
export async function removeOldFrameLogs(folder: string, keepRunId: string): Promise<void> {
  for (const name of await logNames(folder)) {
    if (!name.startsWith(`${keepRunId}.`)) await removeFile(join(folder, name));
  }
}

async function logNames(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith(".log")).sort();
}
