import { measureGap, SeqTracker } from "@eet/protocol";
import type { MonotonicMs, WallMs } from "../kernel/clock.ts";
import { systemErrorCode } from "../kernel/errors.ts";
import type { RecordingListener } from "../kernel/recording-events.ts";
import type {
  ClosedSegment,
  CloseReason,
  GapRecord,
  SegmentOpening,
  SessionPosition,
  SessionRecord,
} from "../kernel/segment-record.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import { formatSegmentFolder, formatSegmentName } from "../storage/segment-path.ts";
import type { Rotation } from "./rotation.ts";
import { SegmentWriter, type WriterContext, type WriterFailure } from "./segment-writer.ts";

/** A jump of more than this is no gap: the device numbers anew. */
const maxGapMs = 24 * 60 * 60 * 1000;
/** A segment without a frame for this long is closed. [S-1.3] */
const idleCloseMs = 15_000;
/** Files that may fail one after another, one per flush, before the session gives up: about a minute. */
const maxFailureCount = 200;
/** What a segment that is closing weighs besides its frames, so that a sender cannot pile up files without end. */
const closingSegmentBytes = 64 * 1024;

/** What the sessions of a recorder share. */
export interface SessionContext extends WriterContext {
  readonly frameLog: FrameLog;
  /** Template of the folders, see {@link formatSegmentFolder}. */
  readonly layout: string;
  readonly gapFill: "silence" | "skip";
  readonly bootId: string;
  readonly runId: string;
  readonly listener: RecordingListener;
}

/** Told by a session how it fares. */
export interface SessionObserver {
  onReleased(): void;
  /** The disk refuses whatever is tried: frames cannot be kept any longer. */
  onFailed(error: Error): void;
}

type NextFrame = ClosedSegment["nextFrame"];

/** A segment that is being written and what is known when it closes. */
interface Writing {
  readonly writer: SegmentWriter;
  firstMs: WallMs;
  lastMs: WallMs;
  reason: CloseReason;
  nextFrame: NextFrame;
  /** Length of the file once all of it is durable. */
  closedBytes: number | undefined;
}

/** One run of seq from one device: cuts it into segments by media time. [S-1.3] */
export class Session {
  readonly record: SessionRecord;
  readonly #context: SessionContext;
  readonly #rotation: Rotation;
  readonly #observer: SessionObserver;
  readonly #tracker = new SeqTracker();
  readonly #closing = new Set<Writing>();
  readonly #ended = Promise.withResolvers<void>();
  #current: Writing | undefined;
  #sample = 0;
  #nextIndex = 0;
  #lastSampleCount = 0;
  #lastFrameMs: MonotonicMs;
  #failureCount = 0;
  #hasFailed = false;
  #isEnding = false;

  constructor(record: SessionRecord, rotation: Rotation, context: SessionContext, observer: SessionObserver) {
    this.record = record;
    this.#rotation = rotation;
    this.#context = context;
    this.#observer = observer;
    this.#lastFrameMs = context.clock.monotonicMs();
  }

  /** Bytes that wait in memory for the disk; a closing segment counts for its files too. */
  get waitingBytes(): number {
    let bytes = this.#current?.writer.retainedBytes ?? 0;
    for (const { writer } of this.#closing) bytes += writer.retainedBytes + closingSegmentBytes;
    return bytes;
  }

  /**
   * Takes one frame message.
   *
   * @param seq - as on the wire
   * @param sampleCount - samples per channel that the frame stands for
   * @returns false when the frame does not belong to this session: seq went back or jumped by more than a day [P-1.10]
   */
  accept(message: Uint8Array, seq: number, sampleCount: number): boolean {
    if (this.#hasFailed) return true;
    const step = this.#tracker.track(seq);
    if (step === "back") return false;
    const gap = step === "gap" ? this.#measureGap() : null;
    if (gap !== null && gap.sampleCount > (maxGapMs / 1000) * this.record.format.sampleRateHz) return false;
    this.#closeIfFull(step === "next" ? message : null);
    const nowMs = this.#context.clock.wallMs();
    const writing = this.#writingAfter(gap, nowMs);
    this.#current = writing;
    this.#sample += sampleCount;
    this.#lastSampleCount = sampleCount;
    this.#lastFrameMs = this.#context.clock.monotonicMs();
    writing.lastMs = nowMs;
    writing.writer.append(message, { seq: this.#nextSeq(), sample: this.#sample });
    return true;
  }

  #closeIfFull(contiguousMessage: Uint8Array | null): void {
    if (this.#current === undefined) return;
    const { opening, binBytes } = this.#current.writer;
    const reason = this.#rotation.endReason(opening.start.sample, this.#sample, binBytes);
    if (reason !== undefined) this.#closeCurrent(reason, contiguousMessage);
  }

  #measureGap(): GapRecord {
    const { missingCount } = this.#tracker;
    const toSeq = this.#nextSeq() - 1;
    return {
      fromSeq: toSeq - missingCount,
      toSeq,
      startSample: this.#sample,
      ...measureGap(this.record.format, missingCount, this.#lastSampleCount),
      cause: "not-received",
    };
  }

  /** The segment that the frame after `gap` goes to. */
  #writingAfter(gap: GapRecord | null, nowMs: WallMs): Writing {
    if (gap !== null) return this.#placeGap(gap, nowMs);
    return this.#current ?? this.#openSegment({ seq: this.#nextSeq() - 1, sample: this.#sample }, null, nowMs);
  }

  /** [S-1.5] A gap up to one rotation lies inside its segment; a longer one closes the segment. */
  #placeGap(gap: GapRecord, nowMs: WallMs): Writing {
    const startSample = this.#current?.writer.opening.start.sample ?? gap.startSample;
    const isFilled = this.#rotation.isFilled(gap.sampleCount, startSample, gap.startSample);
    if (!isFilled) this.#closeCurrent("gap", null);
    this.#sample += gap.sampleCount;
    if (this.#current !== undefined) return this.#current;
    const start = isFilled ? { seq: gap.fromSeq, sample: gap.startSample } : { seq: gap.toSeq, sample: this.#sample };
    return this.#openSegment(start, gap, nowMs);
  }

  #nextSeq(): number {
    return this.#tracker.nextSeq ?? 0;
  }

  #openSegment(start: SessionPosition, leadingGap: GapRecord | null, nowMs: WallMs): Writing {
    const { layout, gapFill, bootId, runId, frameLog, listener } = this.#context;
    const { session, hwid, streamId, format } = this.record;
    const index = this.#nextIndex++;
    const startMs = this.record.start.startMs + (start.sample * 1000) / format.sampleRateHz;
    const naming = { hwid, streamId, session, index, startMs };
    const opening: SegmentOpening = {
      version: "eet.open/1",
      session: this.record,
      index,
      name: formatSegmentName(naming),
      folder: formatSegmentFolder(layout, naming),
      start,
      leadingGap,
      gapFill,
      bootId,
      runId,
      logNumber: frameLog.openSegment(),
    };
    const writing: Writing = {
      writer: new SegmentWriter(opening, this.#context, {
        onReleased: () => this.#onReleased(),
        onStalled: (error) => this.#reportFailure(error),
        onFailed: (failure) => this.#onWriterFailed(writing, failure),
        onClosed: (binBytes) => this.#onWriterClosed(writing, binBytes),
      }),
      firstMs: nowMs,
      lastMs: nowMs,
      reason: "session-ended",
      nextFrame: null,
      closedBytes: undefined,
    };
    listener({ type: "segment.opened", opening });
    return writing;
  }

  /** Decoder state in front of an ADPCM frame: the last sample of an odd frame before it. [P-1.6] */
  #readNextFrame(message: Uint8Array | null): NextFrame {
    if (this.record.format.codec !== "adpcm" || message === null || message.byteLength < 16) return null;
    const predictor = (((message[13] ?? 0) << 24) | ((message[12] ?? 0) << 16)) >> 16;
    return { seq: this.#nextSeq() - 1, predictor, stepIndex: message[14] ?? 0 };
  }

  /** @param contiguousMessage - the session's next frame, when that follows without a gap */
  #closeCurrent(reason: CloseReason, contiguousMessage: Uint8Array | null): void {
    const writing = this.#current;
    if (writing === undefined) return;
    this.#current = undefined;
    writing.reason = reason;
    writing.nextFrame = this.#readNextFrame(contiguousMessage);
    this.#close(writing);
  }

  #close(writing: Writing): void {
    this.#closing.add(writing);
    writing.writer.close();
  }

  /** Closes the segment when nothing came for 15 s; the session goes on. [S-1.3] */
  closeIfIdle(nowMs: MonotonicMs): void {
    if (nowMs - this.#lastFrameMs >= idleCloseMs) this.#closeCurrent("idle", null);
  }

  /** Closes the last segment. @returns when everything is on stable storage; never rejects */
  end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#closeCurrent("session-ended", null);
      this.#endWhenClosed();
    }
    return this.#ended.promise;
  }

  #endWhenClosed(): void {
    if (!this.#isEnding || this.#closing.size > 0) return;
    this.#context.listener({
      type: "session.closed",
      session: this.record,
      endedMs: this.#context.clock.wallMs(),
    });
    this.#ended.resolve();
  }

  #onReleased(): void {
    this.#failureCount = 0;
    this.#observer.onReleased();
  }

  #onWriterClosed(writing: Writing, binBytes: number): void {
    writing.closedBytes = binBytes;
    this.#passOnClosed();
    this.#observer.onReleased();
    this.#endWhenClosed();
  }

  /** In the session's order: what is derived from one segment may depend on those before it, never on those after. */
  #passOnClosed(): void {
    for (const writing of this.#closing) {
      if (writing.closedBytes === undefined) return;
      this.#closing.delete(writing);
      this.#emitClosed(writing, writing.closedBytes);
    }
  }

  #emitClosed(writing: Writing, binBytes: number): void {
    const { writer, reason, firstMs, lastMs, nextFrame } = writing;
    this.#context.listener({
      type: "segment.closed",
      segment: { opening: writer.opening, binBytes, reason, received: { firstMs, lastMs }, nextFrame },
    });
  }

  #onWriterFailed(failed: Writing, failure: WriterFailure): void {
    this.#reportFailure(failure.error);
    this.#failureCount += 1;
    const isCurrent = failed === this.#current;
    if (isCurrent) this.#current = undefined;
    if (this.#failureCount > maxFailureCount) {
      this.#giveUp(failed, failure);
      return;
    }
    const replacement = this.#replace(failed, failure);
    if (isCurrent) this.#current = replacement;
    else this.#close(replacement);
    Object.assign(failed, { reason: "storage-failed", nextFrame: null, closedBytes: failure.syncedBytes });
    this.#closing.add(failed);
    this.#passOnClosed();
    this.#endWhenClosed();
  }

  /** [S-2.4] What is not on stable storage goes into a new file, from memory. */
  #replace(failed: Writing, { syncedPosition, unsynced, endPosition }: WriterFailure): Writing {
    const { start, leadingGap } = failed.writer.opening;
    const replacement =
      syncedPosition === undefined
        ? this.#openSegment(start, leadingGap, failed.firstMs)
        : this.#openSegment(syncedPosition, null, failed.firstMs);
    replacement.writer.holdBack();
    for (const frames of unsynced) replacement.writer.append(frames, endPosition);
    const { lastMs, reason, nextFrame } = failed;
    return Object.assign(replacement, { lastMs, reason, nextFrame });
  }

  /**
   * The disk refuses whatever is tried. Frames that still come are lost: the device is about to be told. The last file
   * stays as it was written, open, so that the next start takes from it what the disk has kept after all.
   */
  #giveUp(failed: Writing, { error, syncedBytes }: WriterFailure): void {
    this.#hasFailed = true;
    this.#closing.delete(failed);
    const { opening, binBytes } = failed.writer;
    this.#context.listener({ type: "storage.gave-up", opening, unsyncedBytes: binBytes - syncedBytes });
    this.#passOnClosed();
    this.#observer.onFailed(error);
    this.#endWhenClosed();
  }

  #reportFailure(error: Error): void {
    const code = systemErrorCode(error) ?? error.name;
    this.#context.listener({ type: "storage.failed", code, message: error.message });
  }
}
