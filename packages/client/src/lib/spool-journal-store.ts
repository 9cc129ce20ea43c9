import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { AppendResult, DroppedFrames, Journal, JournalFacts, SpooledFrame } from "./spool.ts";
import { SpoolError, toSpoolError } from "./spool-error.ts";
import { isSession, type JournalState, writeJournalState } from "./spool-facts-store.ts";
import { type CreateAppendFile, removeFile, type SpoolFile, syncFolder } from "./spool-file-store.ts";
import { SpoolFlusher, writeBytes } from "./spool-flusher.ts";
import { FrameGatherer } from "./spool-gatherer.ts";
import { PositionKeeper } from "./spool-position-store.ts";
import { readFrames } from "./spool-reader-store.ts";
import { checkFrame, countRecordBytes } from "./spool-record.ts";
import type { SpoolRoom } from "./spool-room.ts";
import { emptyTally, joinTallies, type Tally, tallyFrom } from "./spool-tally.ts";
import { SpoolWriter } from "./spool-writer-store.ts";

/** How the name of a journal's folder ends while it is deleted. */
export const removedSuffix = ".removed";

/** Most that is in memory: not written, or not synced. */
const maxPendingBytes = 8 * 1024 * 1024;

/** What all journals of a spool share. */
export interface JournalContext {
  readonly room: SpoolRoom;
  readonly fileBytes: number;
  readonly syncIntervalMs: number;
  readonly createFile: CreateAppendFile;
  readonly onError: (error: SpoolError) => void;
  /** The journal is gone from the disk. */
  readonly onRemoved: (journal: DiskJournal) => void;
}

/** What a journal is at its start: read from its folder, or fresh. */
export interface JournalContent {
  readonly folder: string;
  readonly state: JournalState;
  /** Oldest first; the journal makes this array its own. */
  readonly files: SpoolFile[];
  /** Number of the next file. */
  readonly nextFileNumber: number;
}

/** What {@link DiskJournal.drop} did. */
export interface DropResult {
  readonly freedBytes: number;
  readonly dropped: DroppedFrames | undefined;
}

/** A journal in a folder. All that touches its files runs one after the other in a queue, but for syncs and readers. */
export class DiskJournal implements Journal {
  readonly facts: JournalFacts;
  readonly #context: JournalContext;
  readonly #folder: string;
  readonly #files: SpoolFile[];
  readonly #gatherer: FrameGatherer;
  readonly #writer: SpoolWriter;
  readonly #flusher: SpoolFlusher;
  #session: bigint | undefined;
  #savedSession: bigint | undefined;
  #isSealed: boolean;
  #droppedFrameCount: number;
  #acknowledgedSeq: number;
  #nextSeq: number;
  readonly #position: PositionKeeper;
  #isClosed = false;
  #queue: Promise<unknown> = Promise.resolve();
  #isDeleteQueued = false;
  /** It was told that a file cannot be dropped. */
  #isStuckTold = false;
  /** What the last refused append would have taken. */
  #refusedBytes = 0;
  #isRemoved = false;
  #removing: Promise<void> | undefined;

  constructor(context: JournalContext, content: JournalContent) {
    const { state, files, folder, nextFileNumber } = content;
    const { fileBytes, room, createFile } = context;
    this.facts = state.facts;
    this.#context = context;
    this.#folder = folder;
    this.#files = files;
    this.#gatherer = new FrameGatherer(Math.min(writeBytes, fileBytes));
    this.#writer = new SpoolWriter({ folder, fileBytes, room, files, nextFileNumber, createFile });
    this.#flusher = this.#createFlusher();
    this.#position = new PositionKeeper(folder, context.syncIntervalMs, () => this.#acknowledgedSeq);
    this.#session = state.session;
    this.#savedSession = state.session;
    this.#isSealed = state.isSealed;
    this.#droppedFrameCount = state.droppedFrameCount;
    this.#acknowledgedSeq = state.acknowledgedSeq;
    this.#nextSeq = Math.max(state.nextSeq, state.acknowledgedSeq, files.at(-1)?.tally.nextSeq ?? 0);
  }

  #createFlusher(): SpoolFlusher {
    const { room, syncIntervalMs, onError } = this.#context;
    return new SpoolFlusher({
      gatherer: this.#gatherer,
      writer: this.#writer,
      room,
      syncIntervalMs,
      acknowledgedSeq: () => this.#acknowledgedSeq,
      run: (work) => this.#run(work),
      failed: `frames cannot be written to ${this.#folder}`,
      onError,
    });
  }

  get session(): bigint | undefined {
    return this.#session;
  }

  get isSealed(): boolean {
    return this.#isSealed;
  }

  get oldestSeq(): number {
    return this.#held.firstSeq;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get writtenSeq(): number {
    return Math.max(this.#writer.writtenSeq, this.#acknowledgedSeq);
  }

  get syncedSeq(): number {
    return Math.max(this.#writer.syncedSeq, this.#acknowledgedSeq);
  }

  get frameCount(): number {
    return this.#held.frameCount;
  }

  get sampleCount(): number {
    return this.#held.sampleCount;
  }

  get byteLength(): number {
    return this.#files.reduce((sum, { byteLength }) => sum + byteLength, this.#gatherer.byteLength);
  }

  get droppedFrameCount(): number {
    return this.#droppedFrameCount;
  }

  /** What was not acknowledged. */
  get #held(): Tally {
    let held = emptyTally(this.#nextSeq);
    const add = (tally: Tally) => {
      const part = tallyFrom(tally, this.#acknowledgedSeq);
      if (part.frameCount > 0) held = joinTallies(held, part);
    };
    for (const { tally } of this.#files) add(tally);
    for (const tally of this.#gatherer.tallies()) add(tally);
    return held;
  }

  append(seq: number, sampleCount: number, payload: Uint8Array): AppendResult {
    checkFrame(this.#nextSeq, { seq, sampleCount, payload });
    const byteCount = countRecordBytes(payload.byteLength);
    const result = this.#judge(byteCount);
    if (result !== "accepted") {
      this.#refusedBytes = byteCount;
      if (result === "spool-full") this.#context.room.reclaim();
      return result;
    }
    this.#context.room.take(byteCount);
    this.#gatherer.append(seq, sampleCount, payload);
    this.#nextSeq = seq + 1;
    this.#flusher.schedule();
    return result;
  }

  #judge(byteCount: number): AppendResult {
    if (this.#isClosed || this.#isSealed) return "closed";
    if (this.#flusher.failure !== undefined) return this.#flusher.failure;
    if (this.#flusher.pendingBytes + byteCount > maxPendingBytes) return "disk-slow";
    return this.#context.room.fits(byteCount) ? "accepted" : "spool-full";
  }

  async waitForRoom(): Promise<void> {
    const result = this.#judge(this.#refusedBytes);
    if (result !== "accepted" && result !== "closed") await this.#context.room.wait();
  }

  frames(fromSeq: number = this.oldestSeq): AsyncIterable<SpooledFrame> {
    const journal = this;
    return readFrames(
      {
        get acknowledgedSeq() {
          return journal.#acknowledgedSeq;
        },
        files: this.#files,
        batches: () => this.#gatherer.batches(),
        reportDamage: (file, seq) => this.#reportDamage(file, seq),
      },
      fromSeq,
    );
  }

  #reportDamage(file: SpoolFile, fromSeq: number): void {
    if (file.isReported) return;
    file.isReported = true;
    const what = `${file.path} is damaged: frames ${fromSeq} to ${file.tally.nextSeq - 1} cannot be read`;
    this.#context.onError(new SpoolError("SPOOL_DAMAGED", what));
  }

  flush(): Promise<void> {
    return this.#run(() => this.#flusher.flush());
  }

  async setSession(session: bigint): Promise<void> {
    if (!isSession(session)) throw new RangeError(`session is ${session}, allowed are 1 to 2^64 - 1`);
    this.#session = session;
    await this.#run(async () => {
      if (this.#savedSession !== this.#session) await this.#save();
    });
  }

  acknowledge(nextSeq: number): void {
    if (!(Number.isSafeInteger(nextSeq) && nextSeq >= 0)) {
      throw new RangeError(`nextSeq is ${nextSeq}, allowed are whole numbers from 0 to 2^53 - 1`);
    }
    if (nextSeq <= this.#acknowledgedSeq) return;
    this.#acknowledgedSeq = nextSeq;
    this.#nextSeq = Math.max(this.#nextSeq, nextSeq);
    this.#position.schedule();
    this.reclaim();
  }

  /** Deletes files whose frames are all acknowledged. */
  reclaim(): void {
    if (this.#isDeleteQueued || this.#findDeletable() === undefined) return;
    this.#isDeleteQueued = true;
    this.#run(() => this.#deleteAcknowledged()).catch((error) => {
      this.#context.onError(toSpoolError(`files of ${this.#folder} cannot be deleted`, error));
    });
  }

  /** The file that takes frames goes only when there is need: else it would be another one every second. */
  #findDeletable(): SpoolFile | undefined {
    const file = this.#files[0];
    if (file === undefined || file.tally.nextSeq > this.#acknowledgedSeq) return undefined;
    const { room } = this.#context;
    return file !== this.#writer.currentFile || room.usedBytes > room.maxBytes / 2 ? file : undefined;
  }

  async #deleteAcknowledged(): Promise<void> {
    this.#isDeleteQueued = false;
    for (let file = this.#findDeletable(); file !== undefined; file = this.#findDeletable()) await this.#delete(file);
  }

  async #delete(file: SpoolFile): Promise<void> {
    if (file === this.#writer.currentFile) await this.#writer.discard();
    file.isGone = true;
    if (!file.isGoing) await removeFile(file.path);
    this.#files.splice(this.#files.indexOf(file), 1);
    this.#context.room.give(file.byteLength);
  }

  /** Frees at least `byteCount` bytes, if there are that many in files: {@link Spool.dropOldest}. */
  drop(byteCount: number): Promise<DropResult> {
    return this.#run(() => this.#dropNow(byteCount));
  }

  async #dropNow(byteCount: number): Promise<DropResult> {
    let freedBytes = 0;
    let lost: Tally | undefined;
    for (let file = this.#files[0]; file !== undefined && freedBytes < byteCount; file = this.#files[0]) {
      if (!(await this.#unlink(file))) break;
      const part = tallyFrom(file.tally, this.#acknowledgedSeq);
      if (part.frameCount > 0) lost = lost === undefined ? part : joinTallies(lost, part);
      this.#droppedFrameCount += part.frameCount;
      this.#acknowledgedSeq = Math.max(this.#acknowledgedSeq, file.tally.nextSeq);
      await this.#delete(file);
      freedBytes += file.byteLength;
    }
    if (lost === undefined) return { freedBytes, dropped: undefined };
    await this.#save().catch((error) => this.#context.onError(error));
    const { firstSeq: fromSeq, nextSeq, frameCount, sampleCount } = lost;
    return { freedBytes, dropped: { journal: this, fromSeq, nextSeq, frameCount, sampleCount } };
  }

  /** @returns false when the disk refuses: file and frames stay */
  async #unlink(file: SpoolFile): Promise<boolean> {
    file.isGoing = true;
    try {
      await removeFile(file.path);
      this.#isStuckTold = false;
      return true;
    } catch (error) {
      file.isGoing = false;
      if (!this.#isStuckTold) this.#context.onError(toSpoolError(`${file.path} cannot be deleted`, error));
      this.#isStuckTold = true;
      return false;
    }
  }

  async seal(): Promise<void> {
    this.#isSealed = true;
    this.#context.room.notify();
    await this.#run(async () => {
      await this.#flusher.flush();
      await this.#writer.finish();
      await this.#save();
    });
  }

  remove(): Promise<void> {
    this.#removing ??= this.#removeNow().catch((error) => {
      this.#removing = undefined;
      throw toSpoolError(`${this.#folder} cannot be deleted`, error);
    });
    return this.#removing;
  }

  async #removeNow(): Promise<void> {
    this.#stop();
    await this.#run(async () => {
      await this.#writer.discard();
      const removed = `${this.#folder}${removedSuffix}`;
      if (!this.#isRemoved) await rename(this.#folder, removed);
      this.#forget();
      await syncFolder(dirname(this.#folder));
      await rm(removed, { recursive: true, force: true });
    });
  }

  #forget(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    const usedBytes = this.byteLength;
    for (const file of this.#files.splice(0)) file.isGone = true;
    this.#gatherer.shift(this.#gatherer.batches().length);
    this.#acknowledgedSeq = this.#nextSeq;
    this.#context.room.give(usedBytes);
    this.#context.onRemoved(this);
  }

  /** Writes, syncs, remembers what is acknowledged. Idempotent, never rejects: failures go to `onError`. */
  async close(): Promise<void> {
    this.#stop();
    await this.#run(() => this.#closeNow());
  }

  async #closeNow(): Promise<void> {
    if (this.#isRemoved) return;
    try {
      await this.#flusher.flush();
      await this.#writer.finish();
      await this.#save();
      await this.#deleteAcknowledged();
    } catch (error) {
      this.#context.onError(toSpoolError(`${this.#folder} cannot be closed as it should`, error));
      this.#reportLoss();
    }
    await this.#writer.discard();
  }

  #reportLoss(): void {
    const lost = this.#gatherer.tallies().reduce((sum, { frameCount }) => sum + frameCount, 0);
    if (lost === 0) return;
    this.#context.onError(new SpoolError("SPOOL_IO", `${lost} frames could not be written to ${this.#folder}`));
  }

  #stop(): void {
    this.#isClosed = true;
    this.#flusher.stop();
    this.#position.stop();
    this.#context.room.notify();
  }

  /** Runs `work` after all that was asked for before. */
  #run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #save(): Promise<void> {
    const session = this.#session;
    const state: JournalState = {
      facts: this.facts,
      session,
      isSealed: this.#isSealed,
      droppedFrameCount: this.#droppedFrameCount,
      acknowledgedSeq: this.#acknowledgedSeq,
      nextSeq: this.#nextSeq,
    };
    await writeJournalState(this.#folder, state).catch((error) => {
      throw toSpoolError(`${this.#folder} cannot be written`, error);
    });
    this.#savedSession = session;
  }
}
