import { isDiskFull, type SpoolError, toSpoolError } from "./spool-error.ts";
import type { FrameGatherer } from "./spool-gatherer.ts";
import type { SpoolRoom } from "./spool-room.ts";
import type { SpoolWriter } from "./spool-writer-store.ts";

/** Frames are written at most this long after they were appended, and when this much has come. */
const writeIntervalMs = 100;
export const writeBytes: number = 64 * 1024;
/** From here on a sync does not wait for its time: what is not synced is in memory. */
const syncBytes = 1024 * 1024;
/** A disk that refuses is tried again this often. */
const retryIntervalMs = 1_000;

export interface SpoolFlusherOptions {
  readonly gatherer: FrameGatherer;
  readonly writer: SpoolWriter;
  readonly room: SpoolRoom;
  readonly syncIntervalMs: number;
  /** Frames before it need not be written any more. */
  readonly acknowledgedSeq: () => number;
  /** Runs work on the journal's files after all that was asked for before. */
  readonly run: (work: () => Promise<void>) => Promise<void>;
  /** What could not be done, for people. */
  readonly failed: string;
  readonly onError: (error: SpoolError) => void;
}

/** Decides when a journal's frames are written and synced, and what happens when the disk refuses. */
export class SpoolFlusher {
  readonly #options: SpoolFlusherOptions;
  #writeTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #isWriteQueued = false;
  #isStopped = false;
  #failure: "disk-full" | "disk-failing" | undefined;
  /** How far frames were synced when trouble was told of: once, until it is over. */
  #troubledSeq: number | undefined;

  constructor(options: SpoolFlusherOptions) {
    this.#options = options;
  }

  /** Why nothing can be taken at the moment. */
  get failure(): "disk-full" | "disk-failing" | undefined {
    return this.#failure;
  }

  /** Bytes in memory: not written, or not synced. */
  get pendingBytes(): number {
    return this.#options.gatherer.byteLength + this.#options.writer.unsyncedBytes;
  }

  /** Something was gathered. */
  schedule(): void {
    if (this.#options.gatherer.byteLength >= writeBytes) this.#writeSoon();
    else if (!this.#isStopped) this.#writeTimer ??= setTimeout(this.#writeSoon, writeIntervalMs);
  }

  readonly #writeSoon = (): void => {
    if (this.#isWriteQueued || this.#failure !== undefined) return;
    this.#isWriteQueued = true;
    this.#options.run(() => this.#writeNow()).then(this.#settle, this.#recover);
  };

  async #writeNow(): Promise<void> {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    this.#isWriteQueued = false;
    this.#release();
    await this.#options.writer.write(this.#options.gatherer);
  }

  /** Frames that were acknowledged before they were written need not be. */
  #release(): void {
    const { gatherer, room, acknowledgedSeq } = this.#options;
    const batches = gatherer.batches();
    const needed = batches.findIndex(({ nextSeq }) => nextSeq > acknowledgedSeq());
    const released = gatherer.shift(needed < 0 ? batches.length : needed);
    if (released.length > 0) room.give(released.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
  }

  /** After a write or a sync that went well. */
  readonly #settle = (): void => {
    const { gatherer, writer, room, syncIntervalMs } = this.#options;
    room.notify();
    if (gatherer.byteLength > 0) this.schedule();
    if (this.#isStopped || writer.unsyncedBytes === 0) return;
    if (writer.unsyncedBytes >= syncBytes) this.#syncNow();
    else this.#syncTimer ??= setTimeout(this.#syncNow, syncIntervalMs);
  };

  /** Beside the queue: frames are written while a slow disk syncs. */
  readonly #syncNow = (): void => {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    this.#options.writer.sync().then(this.#settle, this.#recover);
  };

  /** One more try, at once: a fresh file may be all it takes. */
  readonly #recover = (error: unknown): void => {
    this.report(error);
    this.#options.run(() => this.flush()).then(this.#settle, () => {});
  };

  /**
   * Writes and syncs all that is gathered; to be called from the queue.
   *
   * @throws SpoolError when the disk refuses a fresh file as well. Frames stay in memory, and it is tried again.
   */
  async flush(): Promise<void> {
    try {
      await this.#flushOnce().catch((error) => {
        if (isDiskFull(error)) throw error;
        this.report(error);
        return this.#flushOnce();
      });
    } catch (error) {
      throw this.#fail(error);
    }
    if (this.#troubledSeq !== undefined && this.#options.writer.syncedSeq > this.#troubledSeq) {
      this.#troubledSeq = undefined;
    }
    clearTimeout(this.#retryTimer);
    this.#failure = undefined;
    this.#options.room.notify();
  }

  async #flushOnce(): Promise<void> {
    await this.#writeNow();
    await this.#options.writer.syncAll();
  }

  #fail(cause: unknown): SpoolError {
    this.report(cause);
    this.#failure = isDiskFull(cause) ? "disk-full" : "disk-failing";
    clearTimeout(this.#retryTimer);
    if (!this.#isStopped) this.#retryTimer = setTimeout(this.#retry, retryIntervalMs);
    return toSpoolError(this.#options.failed, cause);
  }

  readonly #retry = (): void => {
    this.#options.run(() => this.flush()).then(this.#settle, () => {});
  };

  /** Tells of trouble, unless it goes on. */
  report(cause: unknown): void {
    if (this.#troubledSeq !== undefined) return;
    this.#troubledSeq = this.#options.writer.syncedSeq;
    this.#options.onError(toSpoolError(this.#options.failed, cause));
  }

  /** Nothing happens by itself any more. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of [this.#writeTimer, this.#syncTimer, this.#retryTimer]) clearTimeout(timer);
  }
}
