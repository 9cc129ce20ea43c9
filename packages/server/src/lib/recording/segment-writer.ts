import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import type { Delayed, DelayQueue } from "../kernel/delay-queue.ts";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { SegmentOpening, SessionPosition } from "../kernel/segment-record.ts";
import type { ChunkPool } from "./chunk-pool.ts";
import type { RecordingTally } from "./recording-tally.ts";
import { RetainedBytes } from "./retained-bytes.ts";
import type { SegmentFile } from "./segment-file.ts";

/** Unwritten bytes at which a write starts before its time. [S-2.1] */
const writeThresholdBytes = 64 * 1024;
/** Unsynced bytes at which a sync starts before its time: they are held in memory. */
const syncThresholdBytes = 512 * 1024;
/** Errors that pass: the same can be tried again once there is room. [S-2.6] A failed sync is never one. [S-2.4] */
const passingErrors: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "EAGAIN"]);

/** What a writer needs of its file. */
export type WritableSegment = Pick<SegmentFile, "write" | "sync" | "close">;

/** What every segment writer of a recorder shares. */
export interface WriterContext {
  /** Makes a segment's files; called again when it fails with an error that passes. */
  readonly openFile: (opening: SegmentOpening) => Promise<WritableSegment>;
  readonly chunks: ChunkPool;
  readonly scheduler: DelayQueue;
  readonly clock: Clock;
  /** Longest time between a frame's arrival and the start of its sync. */
  readonly flushIntervalMs: number;
  /** Bounds how many syncs run at once. */
  readonly limitSync: (sync: () => Promise<void>) => Promise<void>;
  readonly tally: RecordingTally;
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
  /** All frames in front of a position are on stable storage, and their bytes given free. */
  onSynced(position: SessionPosition): void;
  /** Writing waits for room or descriptors and is tried again; told once until it gets through. */
  onStalled(error: Error): void;
  /** The file is beyond use; the writer has let go of it. [S-2.4] */
  onFailed(failure: WriterFailure): void;
  /** Everything is on stable storage and the file is closed. */
  onClosed(binBytes: number): void;
}

/** How far the file has come; always a frame boundary. */
interface Progress {
  readonly bytes: number;
  /** Behind those bytes; `undefined` when there are none. */
  readonly position: SessionPosition | undefined;
  /** Frames behind those bytes came after this. */
  readonly takenMs: MonotonicMs;
}

/**
 * Brings the frames of one segment to disk: gathers them, writes once per flush, syncs once per interval and keeps
 * them in memory until then. One operation runs at a time. [S-2.1] [S-2.2]
 */
export class SegmentWriter implements Delayed {
  readonly opening: SegmentOpening;
  readonly #context: WriterContext;
  readonly #observer: WriterObserver;
  readonly #retained: RetainedBytes;
  #position: SessionPosition;
  #written: Progress;
  #synced: Progress;
  /** Offsets up to which a write and a sync are asked for. */
  #writeTarget = 0;
  #syncTarget = 0;
  /** Arrival of the oldest frame that is not synced, or somewhat before. */
  #unsyncedSinceMs: MonotonicMs | undefined;
  #file: WritableSegment | undefined;
  #state: "open" | "closing" | "ended" = "open";
  #isRunning = false;
  #isScheduled = false;
  #isStalled = false;
  #isHeld = false;
  /** A flush is announced for before this: no sync needs to come by itself. */
  #flushExpectedMs = -1;

  constructor(opening: SegmentOpening, context: WriterContext, observer: WriterObserver) {
    this.opening = opening;
    this.#context = context;
    this.#observer = observer;
    this.#retained = new RetainedBytes(context.chunks);
    this.#position = opening.start;
    this.#written = { bytes: 0, position: undefined, takenMs: context.clock.monotonicMs() };
    this.#synced = this.#written;
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
    // While stalled it is the scheduler that sets the pace of the tries, not the sender.
    if (!this.#isStalled && (this.#isWriteDue || this.#isSyncDue)) void this.#run();
  }

  /** Does nothing to the disk until {@link release}: the segment in front is not through. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on; does nothing for a writer that is not held. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (!this.#isStalled) void this.#run();
  }

  /** Gives up what a held writer has in memory. */
  abandon(): void {
    this.#state = "ended";
    this.#retained.release(this.#retained.endOffset);
  }

  /** Makes the first try wait for the next flush: what stands for a file that failed gives the disk time. */
  holdBack(): void {
    this.#isStalled = true;
  }

  /** Takes no more; `onClosed` follows when all is durable. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.flush();
  }

  /** Brings to disk what was appended, without waiting for the interval. */
  flush(): void {
    this.#writeTarget = this.#retained.endOffset;
    this.#syncTarget = this.#retained.endOffset;
    if (!this.#isStalled) void this.#run();
  }

  /**
   * Leaves the next sync to a {@link flush} that will come within so many ms; if none comes, it comes by itself then.
   * Syncs so often that each serves an acknowledgement, and none more.
   */
  expectFlush(withinMs: number): void {
    this.#flushExpectedMs = this.#context.clock.monotonicMs() + withinMs;
  }

  delayOver(): void {
    this.#isScheduled = false;
    const { endOffset } = this.#retained;
    if (this.#state === "ended" || this.#synced.bytes === endOffset) return;
    const { clock, flushIntervalMs, scheduler } = this.#context;
    const nowMs = clock.monotonicMs();
    const ageMs = nowMs - (this.#unsyncedSinceMs ?? 0);
    // The next flush would be too late for a sync.
    const isSyncDue = ageMs + scheduler.delayMs > flushIntervalMs && nowMs >= this.#flushExpectedMs;
    if (isSyncDue) this.#syncTarget = endOffset;
    // Until it is synced the device keeps what it sent: written earlier it would be no safer.
    if (isSyncDue || !this.opening.session.isAcked) this.#writeTarget = endOffset;
    void this.#run();
    this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#context.scheduler.schedule(this);
  }

  get #isWriteDue(): boolean {
    const { bytes } = this.#written;
    return bytes < this.#writeTarget || this.#retained.endOffset - bytes >= writeThresholdBytes;
  }

  get #isSyncDue(): boolean {
    const { bytes } = this.#synced;
    if (bytes === this.#written.bytes) return false;
    return bytes < this.#syncTarget || this.#retained.byteLength >= syncThresholdBytes;
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
    if (this.#state === "ended" || this.#isHeld) return undefined;
    if (this.#file === undefined) return this.#open();
    if (this.#isWriteDue) return this.#write(this.#file);
    if (this.#isSyncDue) return this.#sync(this.#file);
    return this.#state === "closing" ? this.#end(this.#file) : undefined;
  }

  async #open(): Promise<void> {
    this.#file = await this.#context.openFile(this.opening);
  }

  async #write(file: WritableSegment): Promise<void> {
    const written: Progress = {
      bytes: this.#retained.endOffset,
      position: this.#position,
      takenMs: this.#context.clock.monotonicMs(),
    };
    await file.write(this.#retained.slices(this.#written.bytes, written.bytes), this.#written.bytes);
    this.#written = written;
  }

  async #sync(file: WritableSegment): Promise<void> {
    const written = this.#written;
    const { clock, limitSync, tally } = this.#context;
    const startMs = clock.monotonicMs();
    await limitSync(() => file.sync(written.bytes));
    const nowMs = clock.monotonicMs();
    tally.syncLatency.observe(nowMs - startMs);
    tally.flushLatency.observe(nowMs - (this.#unsyncedSinceMs ?? startMs));
    this.#synced = written;
    this.#isStalled = false;
    this.#retained.release(written.bytes);
    this.#unsyncedSinceMs = this.#retained.byteLength > 0 ? written.takenMs : undefined;
    this.#observer.onSynced(written.position ?? this.opening.start);
  }

  async #end(file: WritableSegment): Promise<void> {
    await file.close();
    this.#state = "ended";
    this.#observer.onClosed(this.#synced.bytes);
  }

  async #handleError(error: Error): Promise<void> {
    if (passingErrors.has(systemErrorCode(error) ?? "")) {
      if (!this.#isStalled) this.#observer.onStalled(error);
      this.#isStalled = true;
      if (!this.#isScheduled) this.#schedule();
      return;
    }
    // What the kernel took and could not store it has dropped: this descriptor cannot be trusted again. [S-2.4]
    this.#state = "ended";
    await this.#file?.close();
    this.#observer.onFailed({
      error,
      syncedBytes: this.#synced.bytes,
      syncedPosition: this.#synced.position,
      unsynced: this.#retained.slices(this.#synced.bytes, this.#retained.endOffset),
      endPosition: this.#position,
    });
  }
}
