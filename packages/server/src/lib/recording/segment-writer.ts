import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { SegmentOpening, SessionPosition } from "../kernel/segment-record.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import type { Flushable, FlushScheduler } from "./flush-scheduler.ts";
import { RetainedBytes } from "./retained-bytes.ts";
import { SegmentFile } from "./segment-file.ts";

/** Unwritten bytes at which a write starts before its time. [S-2.1] */
const writeThresholdBytes = 64 * 1024;
/** Unsynced bytes at which a sync starts before its time: they are held in memory. */
const syncThresholdBytes = 512 * 1024;
/** Errors that pass: the same descriptor is good once there is room again. [S-2.6] */
const passingErrors: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "EAGAIN"]);

/** What every segment writer of a recorder shares. */
export interface WriterContext {
  /** `data/received` */
  readonly receivedPath: string;
  readonly frameLog: FrameLog;
  readonly scheduler: FlushScheduler;
  readonly clock: Clock;
  readonly flushIntervalMs: number;
  /** Bounds how many syncs run at once. */
  readonly limitSync: (sync: () => Promise<void>) => Promise<void>;
}

/** What is left of a segment whose file failed. */
export interface WriterFailure {
  readonly error: Error;
  /** Bytes of the file that are on stable storage. */
  readonly syncedBytes: number;
  /** Position behind those bytes; `undefined` when there are none. */
  readonly syncedPosition: SessionPosition | undefined;
  /** All frames that are not on stable storage, in order. */
  readonly unsynced: readonly Uint8Array[];
  /** Position behind all frames. */
  readonly endPosition: SessionPosition;
}

/** Told by a writer how it fares. */
export interface WriterObserver {
  /** Bytes were given free: a paused sender may go on. */
  onReleased(): void;
  /** Writing waits for room or descriptors and is tried again. */
  onStalled(error: Error): void;
  /** The file is beyond use; the writer has let go of it. [S-2.4] */
  onFailed(failure: WriterFailure): void;
  /** Everything is on stable storage and the file is closed. */
  onClosed(binBytes: number): void;
}

/**
 * Brings the frames of one segment to disk: gathers them, writes once per flush, syncs once per interval and keeps
 * them in memory until then. One operation runs at a time. [S-2.1] [S-2.2]
 */
export class SegmentWriter implements Flushable {
  readonly opening: SegmentOpening;
  readonly #context: WriterContext;
  readonly #observer: WriterObserver;
  readonly #retained = new RetainedBytes();
  #position: SessionPosition;
  #writtenBytes = 0;
  #syncedBytes = 0;
  #syncedPosition: SessionPosition | undefined;
  /** Where writes ended, since the last sync: frame boundaries. */
  #marks: { readonly offset: number; readonly position: SessionPosition }[] = [];
  #unsyncedSinceMs: MonotonicMs | undefined;
  #file: SegmentFile | undefined;
  #state: "open" | "closing" | "ended" = "open";
  #isRunning = false;
  #isScheduled = false;
  #isWriteAsked = false;
  #isSyncAsked = false;

  constructor(opening: SegmentOpening, context: WriterContext, observer: WriterObserver) {
    this.opening = opening;
    this.#context = context;
    this.#observer = observer;
    this.#position = opening.start;
  }

  /** Bytes held in memory because they are not on stable storage yet. */
  get retainedBytes(): number {
    return this.#retained.byteLength;
  }

  /** Bytes appended so far. */
  get binBytes(): number {
    return this.#retained.endOffset;
  }

  /**
   * Takes one frame, or a run of whole frames.
   *
   * @param nextPosition - position behind it
   */
  append(frames: Uint8Array, nextPosition: SessionPosition): void {
    this.#retained.append(frames);
    this.#position = nextPosition;
    this.#unsyncedSinceMs ??= this.#context.clock.monotonicMs();
    if (!this.#isScheduled) this.#schedule();
    if (this.#isWriteDue || this.#isSyncDue) void this.#run();
  }

  /** Takes no more; `onClosed` follows when all is durable. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    void this.#run();
  }

  flushDue(): void {
    this.#isScheduled = false;
    if (this.#state === "ended" || this.#syncedBytes === this.#retained.endOffset) return;
    const { clock, flushIntervalMs } = this.#context;
    this.#isWriteAsked = true;
    if (clock.monotonicMs() - (this.#unsyncedSinceMs ?? 0) >= flushIntervalMs) this.#isSyncAsked = true;
    void this.#run();
    this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#context.scheduler.schedule(this);
  }

  get #isWriteDue(): boolean {
    const unwrittenBytes = this.#retained.endOffset - this.#writtenBytes;
    return unwrittenBytes >= writeThresholdBytes || (unwrittenBytes > 0 && (this.#isWriteAsked || this.#isClosing));
  }

  get #isSyncDue(): boolean {
    const isFull = this.#retained.byteLength >= syncThresholdBytes;
    return this.#writtenBytes > this.#syncedBytes && (isFull || this.#isSyncAsked || this.#isClosing);
  }

  get #isClosing(): boolean {
    return this.#state === "closing";
  }

  async #run(): Promise<void> {
    if (this.#isRunning || this.#state === "ended") return;
    this.#isRunning = true;
    try {
      for (let step = this.#nextStep(); step !== undefined; step = this.#nextStep()) await step;
    } catch (thrown) {
      await this.#handleError(toError(thrown));
    } finally {
      this.#isRunning = false;
    }
  }

  /** Starts what is due next. Synchronous, so that nothing can become due unseen between two steps. */
  #nextStep(): Promise<void> | undefined {
    if (this.#state === "ended") return undefined;
    if (this.#file === undefined) return this.#open();
    if (this.#isWriteDue) return this.#write(this.#file);
    if (this.#isSyncDue) return this.#sync(this.#file);
    return this.#isClosing ? this.#end(this.#file) : undefined;
  }

  async #open(): Promise<void> {
    this.#file = await SegmentFile.open(this.#context.receivedPath, this.opening, this.#context.frameLog);
  }

  async #write(file: SegmentFile): Promise<void> {
    this.#isWriteAsked = false;
    const end = this.#retained.endOffset;
    const position = this.#position;
    await file.write(this.#retained.slices(this.#writtenBytes, end), this.#writtenBytes);
    this.#writtenBytes = end;
    this.#marks.push({ offset: end, position });
  }

  async #sync(file: SegmentFile): Promise<void> {
    this.#isSyncAsked = false;
    const end = this.#writtenBytes;
    const startMs = this.#context.clock.monotonicMs();
    await this.#context.limitSync(() => file.sync(end));
    this.#syncedBytes = end;
    this.#syncedPosition = this.#marks.findLast((mark) => mark.offset <= end)?.position ?? this.#syncedPosition;
    this.#marks = this.#marks.filter((mark) => mark.offset > end);
    this.#unsyncedSinceMs = this.#retained.endOffset > end ? startMs : undefined;
    this.#retained.release(end);
    this.#observer.onReleased();
  }

  async #end(file: SegmentFile): Promise<void> {
    await file.close();
    this.#state = "ended";
    this.#observer.onClosed(this.#syncedBytes);
  }

  async #handleError(error: Error): Promise<void> {
    if (passingErrors.has(systemErrorCode(error) ?? "")) {
      this.#observer.onStalled(error);
      if (!this.#isScheduled) this.#schedule();
      return;
    }
    // After a failed sync the kernel has dropped the dirty pages: this descriptor cannot be trusted again. [S-2.4]
    this.#state = "ended";
    await this.#file?.close();
    this.#observer.onFailed({
      error,
      syncedBytes: this.#syncedBytes,
      syncedPosition: this.#syncedPosition,
      unsynced: this.#retained.slices(this.#syncedBytes, this.#retained.endOffset),
      endPosition: this.#position,
    });
  }
}
