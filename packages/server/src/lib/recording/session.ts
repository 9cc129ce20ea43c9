import type { Anchor } from "@eet/protocol";
import type { MonotonicMs, WallMs } from "../kernel/clock.ts";
import { systemErrorCode } from "../kernel/errors.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import type {
  CloseReason,
  GapRecord,
  ResumePoint,
  SegmentOpening,
  SessionPosition,
  SessionRecord,
} from "../kernel/segment-record.ts";
import { formatSegmentFolder, formatSegmentName } from "../storage/segment-path.ts";
import { DurablePosition } from "./durable-position.ts";
import { readNextFrame } from "./next-frame.ts";
import type { Rotation } from "./rotation.ts";
import { SegmentLine, type Writing } from "./segment-line.ts";
import { SegmentNotes } from "./segment-notes.ts";
import { SegmentWriter, type WriterFailure } from "./segment-writer.ts";
import type { SessionContext, SessionObserver } from "./session-context.ts";
import { type Placement, Timeline } from "./timeline.ts";

/** Quartz is off by less than 100; a rate that was declared wrong, by far more. */
const suspiciousPpm = 500;
/** A segment without a frame for this long is closed. [S-1.3] */
const idleCloseMs = 15_000;
/** Files that may fail one after another, one per flush, before the session gives up: about a minute. */
const maxFailureCount = 200;
/** Gaps that a segment may have: each is noted until it closes. */
const maxGapCount = 50_000;
/** What a segment that is closing weighs besides its frames, so that a sender cannot pile up files without end. */
const closingSegmentBytes = 64 * 1024;

type OwnPlacement = Extract<Placement, { kind: "next" | "gap" }>;

/**
 * One run of seq from one device: cuts it into segments by media time. [S-1.3] An acknowledged one takes each frame
 * once and tells how far it is durable. [P-2.3] [P-2.6]
 */
export class Session {
  readonly record: SessionRecord;
  /** Shown each frame behind its hand-over to the disk; `undefined` while nobody looks. */
  tap: FrameTap | undefined;
  readonly #context: SessionContext;
  readonly #rotation: Rotation;
  readonly #observer: SessionObserver;
  readonly #timeline: Timeline;
  readonly #durable = new DurablePosition();
  /** Segments that are not through; the one that takes frames is the last. */
  readonly #line = new SegmentLine();
  readonly #ended = Promise.withResolvers<void>();
  #current: Writing | undefined;
  #nextIndex: number;
  #lastFrameMs: MonotonicMs;
  #failureCount = 0;
  #hasFailed = false;
  #isStalled = false;
  #isEnding = false;
  #duplicateCount = 0;
  #isDriftTold = false;

  /** @param resumeFrom - where an earlier run of the session stands [P-2.7] */
  constructor(
    record: SessionRecord,
    rotation: Rotation,
    context: SessionContext,
    observer: SessionObserver,
    resumeFrom?: ResumePoint,
  ) {
    this.record = record;
    this.#rotation = rotation;
    this.#context = context;
    this.#observer = observer;
    this.#lastFrameMs = context.clock.monotonicMs();
    this.#timeline = new Timeline(record, resumeFrom);
    this.#nextIndex = resumeFrom?.nextIndex ?? 0;
  }

  /** True when it was given up: the disk refuses whatever is tried. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Unwrapped seq of the first frame since the session was started or resumed; 0 before. */
  get firstSeq(): number {
    return this.#timeline.firstSeq;
  }

  /** Unwrapped seq behind the last frame; 0 before the first. */
  get receivedNext(): number {
    return this.#timeline.nextSeq;
  }

  /** Unwrapped seq before which every frame is on stable storage or will never come. [P-2.6] */
  get durableNext(): number {
    return this.#durable.nextSeq(this.#timeline.nextSeq);
  }

  /** False while the disk refuses what is to be stored. */
  get isPersisting(): boolean {
    return !this.#isStalled && !this.#hasFailed;
  }

  /** Frames that had come before and were dropped. */
  get duplicateCount(): number {
    return this.#duplicateCount;
  }

  /** Bytes that wait in memory for the disk. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { writer } of this.#line) bytes += writer.retainedBytes;
    return bytes;
  }

  /** The same, where a closing segment counts for its files too. */
  get waitingBytes(): number {
    const closingCount = this.#line.length - (this.#current === undefined ? 0 : 1);
    return this.queuedBytes + closingCount * closingSegmentBytes;
  }

  /**
   * Takes one frame message.
   *
   * @param seq - as on the wire
   * @param sampleCount - samples per channel that the frame stands for
   * @returns false when the frame does not belong to this session: seq went back or jumped by more than a day [P-1.10];
   *   never of an acknowledged session, which drops what it has [P-2.3]
   * @throws ProtocolError `FRAME_SEQ_JUMP` in an acknowledged session
   */
  accept(message: Uint8Array, seq: number, sampleCount: number): boolean {
    if (this.#hasFailed) return true;
    const placement = this.#timeline.place(seq);
    if (placement.kind === "foreign") return false;
    if (placement.kind === "known") this.#dropKnown();
    else this.#take(message, sampleCount, placement);
    return true;
  }

  #dropKnown(): void {
    this.#duplicateCount += 1;
    this.#context.tally.duplicateCount += 1;
    if (this.#current !== undefined) this.#current.notes.duplicateCount += 1;
    this.#observer.onProgress();
  }

  #take(message: Uint8Array, sampleCount: number, placement: OwnPlacement): void {
    const { clock, tally } = this.#context;
    const gap = placement.kind === "gap" ? placement.gap : null;
    tally.frameCount += 1;
    tally.byteCount += message.byteLength;
    if (placement.kind === "gap") tally.gapCount += 1;
    else if (placement.isRepeat) tally.duplicateCount += 1;
    this.#closeIfFull(placement.kind === "next" && !placement.isRepeat ? message : null);
    const nowMs = clock.wallMs();
    const writing = this.#writingAfter(gap, nowMs);
    this.#current = writing;
    this.#lastFrameMs = clock.monotonicMs();
    this.#timeline.advance(sampleCount, this.#lastFrameMs);
    writing.lastMs = nowMs;
    if (gap !== null) writing.notes.addGap(gap);
    const anchor = this.#timeline.takeAnchor();
    if (anchor !== undefined) writing.notes.addAnchor(anchor);
    const end = this.#timeline.position;
    writing.writer.append(message, end);
    if (this.tap !== undefined) this.tap({ session: this.record.session, message, end, sampleCount });
  }

  /** Ties the coming frame to the device's clocks. */
  anchor(anchor: Anchor): void {
    this.#timeline.anchor(anchor);
  }

  #closeIfFull(contiguousMessage: Uint8Array | null): void {
    if (this.#current === undefined) return;
    const { writer, notes } = this.#current;
    const { opening, binBytes } = writer;
    if (notes.gapCount >= maxGapCount) this.#closeCurrent("size-limit", contiguousMessage);
    const reason = this.#rotation.endReason(opening.start.sample, this.#timeline.sample, binBytes);
    if (reason !== undefined) this.#closeCurrent(reason, contiguousMessage);
  }

  /** The segment that the frame after `gap` goes to. */
  #writingAfter(gap: GapRecord | null, nowMs: WallMs): Writing {
    if (gap !== null) return this.#placeGap(gap, nowMs);
    const { nextSeq, sample } = this.#timeline;
    return this.#current ?? this.#openSegment({ seq: nextSeq - 1, sample }, null, nowMs);
  }

  /** [S-1.5] A gap up to one rotation lies inside its segment; a longer one closes the segment. */
  #placeGap(gap: GapRecord, nowMs: WallMs): Writing {
    const startSample = this.#current?.writer.opening.start.sample ?? gap.startSample;
    const isFilled = this.#rotation.isFilled(gap.sampleCount, startSample, gap.startSample);
    if (!isFilled) this.#closeCurrent("gap", null);
    this.#timeline.skip(gap);
    if (this.#current !== undefined) return this.#current;
    const { sample } = this.#timeline;
    const start = isFilled ? { seq: gap.fromSeq, sample: gap.startSample } : { seq: gap.toSeq, sample };
    return this.#openSegment(start, gap, nowMs);
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
        onSynced: (position) => this.#onSynced(writing, position),
        onStalled: (error) => this.#onStalled(error),
        onFailed: (failure) => this.#onWriterFailed(writing, failure),
        onClosed: (binBytes) => this.#onWriterClosed(writing, binBytes),
      }),
      extent: this.#durable.open(leadingGap?.fromSeq ?? start.seq),
      notes: new SegmentNotes(),
      firstMs: nowMs,
      lastMs: nowMs,
      reason: "session-ended",
      nextFrame: null,
      closedBytes: undefined,
    };
    this.#line.add(writing);
    listener({ type: "segment.opened", opening });
    return writing;
  }

  /** @param contiguousMessage - the session's next frame, when that follows without a gap */
  #closeCurrent(reason: CloseReason, contiguousMessage: Uint8Array | null): void {
    const writing = this.#current;
    if (writing === undefined) return;
    this.#current = undefined;
    writing.reason = reason;
    writing.nextFrame = readNextFrame(this.record.format.codec, this.#timeline.nextSeq - 1, contiguousMessage);
    writing.writer.close();
  }

  /** Closes the segment when nothing came for 15 s; the session goes on. [S-1.3] */
  closeIfIdle(nowMs: MonotonicMs): void {
    if (this.#current === undefined || nowMs - this.#lastFrameMs < idleCloseMs) return;
    this.#closeCurrent("idle", null);
    this.#timeline.pause();
  }

  /** A {@link flush} will come within so many ms: until then no sync needs to come by itself. */
  expectFlush(withinMs: number): void {
    this.#current?.writer.expectFlush(withinMs);
  }

  /** Brings to disk what was taken, without waiting for the interval. */
  flush(): void {
    this.#current?.writer.flush();
  }

  /** Closes the last segment. @returns when everything is on stable storage; never rejects */
  end(reason: CloseReason = "session-ended"): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#closeCurrent(reason, null);
      this.#endWhenClosed();
    }
    return this.#ended.promise;
  }

  #endWhenClosed(): void {
    if (!this.#isEnding || this.#line.length > 0) return;
    this.#context.listener({
      type: "session.closed",
      session: this.record,
      endedMs: this.#context.clock.wallMs(),
    });
    this.#ended.resolve();
  }

  #onSynced(writing: Writing, { seq }: SessionPosition): void {
    this.#failureCount = 0;
    this.#isStalled = false;
    this.#observer.onReleased();
    this.#whenCommitted(() => {
      writing.extent.nextSeq = Math.max(writing.extent.nextSeq, seq);
    });
  }

  /**
   * After a power cut a frame is believed only by what the frame log says of it: durable is what the log has committed.
   * [S-3.1]
   */
  #whenCommitted(apply: () => void): void {
    if (!this.record.isAcked) return;
    void this.#context.frameLog.committed().then(() => {
      apply();
      this.#observer.onProgress();
    });
  }

  #onStalled(error: Error): void {
    this.#isStalled = true;
    this.#reportFailure(error);
    this.#observer.onProgress();
  }

  #onWriterClosed(writing: Writing, binBytes: number): void {
    writing.closedBytes = binBytes;
    this.#whenCommitted(() => this.#durable.close(writing.extent));
    this.#passOnClosed();
    this.#observer.onReleased();
    this.#endWhenClosed();
  }

  #passOnClosed(): void {
    for (const { writing, binBytes } of this.#line.takeClosed()) this.#emitClosed(writing, binBytes);
  }

  #emitClosed(writing: Writing, binBytes: number): void {
    const { writer, notes, reason, firstMs, lastMs, nextFrame } = writing;
    const driftPpm = this.#timeline.driftPpm;
    const observations = notes.observations(driftPpm);
    this.#context.listener({
      type: "segment.closed",
      segment: { opening: writer.opening, binBytes, reason, received: { firstMs, lastMs }, nextFrame, observations },
    });
    if (driftPpm !== null) this.#judgeDrift(driftPpm);
  }

  #judgeDrift(driftPpm: number): void {
    if (this.#isDriftTold || Math.abs(driftPpm) <= suspiciousPpm) return;
    this.#isDriftTold = true;
    this.#context.listener({ type: "drift.suspicious", session: this.record, driftPpm });
  }

  #onWriterFailed(failed: Writing, failure: WriterFailure): void {
    this.#onStalled(failure.error);
    this.#failureCount += 1;
    const isCurrent = failed === this.#current;
    if (isCurrent) this.#current = undefined;
    if (this.#failureCount > maxFailureCount) {
      this.#giveUp(failed, failure);
      return;
    }
    const replacement = this.#replace(failed, failure);
    if (isCurrent) this.#current = replacement;
    else replacement.writer.close();
    Object.assign(failed, { reason: "storage-failed", nextFrame: null, closedBytes: failure.syncedBytes });
    // The replacement's extent goes on where this one ends.
    this.#whenCommitted(() => this.#durable.close(failed.extent));
    this.#passOnClosed();
    this.#endWhenClosed();
  }

  /** [S-2.4] What is not on stable storage goes into a new file, from memory. */
  #replace(failed: Writing, { syncedPosition, unsynced, endPosition }: WriterFailure): Writing {
    const { start, leadingGap } = failed.writer.opening;
    const replacement =
      syncedPosition === undefined
        ? this.#openSegment(start, leadingGap, failed.firstMs)
        : this.#openSegment(syncedPosition, failed.notes.gapAt(syncedPosition.seq) ?? null, failed.firstMs);
    replacement.writer.holdBack();
    for (const frames of unsynced) replacement.writer.append(frames, endPosition);
    const { lastMs, reason, nextFrame } = failed;
    const notes = failed.notes.splitAt(replacement.writer.opening.start.seq);
    return Object.assign(replacement, { lastMs, reason, nextFrame, notes });
  }

  /**
   * The disk refuses whatever is tried. What stands in memory is lost, and frames that still come: the device is about to
   * be told. The file stays as it was written, open, so that the next start takes from it what the disk has kept after all.
   */
  #giveUp(failed: Writing, { error, syncedBytes }: WriterFailure): void {
    this.#hasFailed = true;
    this.#current = undefined;
    let unsyncedBytes = -syncedBytes;
    for (const { writer } of this.#line.clear()) {
      unsyncedBytes += writer.binBytes;
      writer.abandon();
      if (writer !== failed.writer) this.#context.frameLog.closeSegment(writer.opening.logNumber);
    }
    this.#context.listener({ type: "storage.gave-up", opening: failed.writer.opening, unsyncedBytes });
    this.#observer.onFailed(error);
    this.#endWhenClosed();
  }

  #reportFailure(error: Error): void {
    const code = systemErrorCode(error) ?? error.name;
    this.#context.listener({ type: "storage.failed", code, message: error.message });
  }
}
