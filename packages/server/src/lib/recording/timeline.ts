import { type Anchor, measureGap, ProtocolError, SeqTracker, serialDistance } from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";
import type { AnchorRecord, GapRecord, ResumePoint, SessionPosition, SessionRecord } from "../kernel/segment-record.ts";
import { DriftEstimator } from "./drift-estimator.ts";

/** A jump of more than this is no gap: the device numbers anew. */
const maxGapMs = 24 * 60 * 60 * 1000;
/** The same in an acknowledged session, which may have been away for a day and cannot be cut by the server. */
const maxAckedGapMs = 2 * maxGapMs;

/** How a frame lies on its session's time line. */
export type Placement =
  /** It is the session's next frame. */
  | { readonly kind: "next"; readonly isRepeat: boolean }
  /** Frames are missing in front of it. */
  | { readonly kind: "gap"; readonly gap: GapRecord }
  /** An acknowledged session has it already: it is to be dropped. [P-2.3] */
  | { readonly kind: "known" }
  /** It belongs to another session: seq went back or jumped by more than a day. [P-1.10] */
  | { readonly kind: "foreign" };

const next: Placement = { kind: "next", isRepeat: false };
const repeat: Placement = { kind: "next", isRepeat: true };
const known: Placement = { kind: "known" };
const foreign: Placement = { kind: "foreign" };

/** Where the frames of a session lie: seq, samples, gaps, and the device's clocks. */
export class Timeline {
  readonly #record: SessionRecord;
  readonly #tracker: SeqTracker;
  readonly #drift = new DriftEstimator();
  #firstSeq: number | undefined;
  #sample: number;
  #lastSampleCount: number;
  /** Ties the coming frame to the device's clocks; its seq is unwrapped. */
  #anchor: Anchor | undefined;
  /** As told by the anchors of frames that were taken: what one says that was only announced is said again. */
  #droppedFrameCount = 0;

  /** @param resumeFrom - where an earlier run of the session stands [P-2.7] */
  constructor(record: SessionRecord, resumeFrom?: ResumePoint) {
    this.#record = record;
    this.#tracker = new SeqTracker(resumeFrom?.next.seq);
    this.#firstSeq = resumeFrom?.next.seq;
    this.#sample = resumeFrom?.next.sample ?? 0;
    this.#lastSampleCount = resumeFrom?.lastFrameSampleCount ?? 0;
  }

  /** Unwrapped seq of the first frame that came or was resumed at; 0 before. */
  get firstSeq(): number {
    return this.#firstSeq ?? this.nextSeq;
  }

  /** Unwrapped seq of the coming frame; 0 before the first, which sets the origin. */
  get nextSeq(): number {
    return this.#tracker.nextSeq ?? 0;
  }

  /** Samples per channel in front of the coming frame. */
  get sample(): number {
    return this.#sample;
  }

  /** Behind the last frame. */
  get position(): SessionPosition {
    return { seq: this.nextSeq, sample: this.#sample };
  }

  /** See {@link DriftEstimator.ppm}. */
  get driftPpm(): number | null {
    return this.#drift.ppm;
  }

  /**
   * Finds a frame's place; {@link advance} follows unless it is `known` or `foreign`.
   *
   * @param seq - as on the wire
   * @throws ProtocolError `FRAME_SEQ_JUMP` in an acknowledged session, which is left as it was
   */
  place(seq: number): Placement {
    if (this.#record.isAcked) {
      const distance = this.#distanceTo(seq);
      if (distance < 0) return known;
      if (distance > 0) this.#assertNear(distance);
    }
    const step = this.#tracker.track(seq);
    if (step === "next") return next;
    if (step === "repeat") return repeat;
    if (step === "back") return foreign;
    const gap = this.#measureGap();
    if (!this.#record.isAcked && this.#lengthMs(gap.sampleCount) > maxGapMs) return foreign;
    return { kind: "gap", gap };
  }

  #distanceTo(seq: number): number {
    const { nextSeq } = this.#tracker;
    return nextSeq === undefined ? 0 : serialDistance(nextSeq, seq);
  }

  /** A number that is far off is a fault of the device, and believing it would move the session by years. */
  #assertNear(missingCount: number): void {
    const gapMs = this.#lengthMs(measureGap(this.#record.format, missingCount, this.#lastSampleCount).sampleCount);
    if (gapMs <= maxAckedGapMs) return;
    throw new ProtocolError(
      "FRAME_SEQ_JUMP",
      `${missingCount} frames, ${Math.round(gapMs / 3_600_000)} h, are missing in front of the frame;` +
        ` ${maxAckedGapMs / 3_600_000} h are allowed`,
    );
  }

  #lengthMs(sampleCount: number): number {
    return (sampleCount * 1000) / this.#record.format.sampleRateHz;
  }

  #measureGap(): GapRecord {
    const { missingCount } = this.#tracker;
    const toSeq = this.nextSeq - 1;
    const isDeclared = this.#anchor?.seq === toSeq && this.#anchor.droppedFrameCount > this.#droppedFrameCount;
    return {
      fromSeq: toSeq - missingCount,
      toSeq,
      startSample: this.#sample,
      ...measureGap(this.#record.format, missingCount, this.#lastSampleCount),
      cause: isDeclared ? "device-dropped" : "not-received",
    };
  }

  /** Moves past a gap. */
  skip({ sampleCount }: GapRecord): void {
    this.#sample += sampleCount;
  }

  /** Moves past the frame that was placed. */
  advance(sampleCount: number, nowMs: MonotonicMs): void {
    this.#firstSeq ??= this.nextSeq - 1;
    this.#sample += sampleCount;
    this.#lastSampleCount = sampleCount;
    this.#drift.push(nowMs, this.#lengthMs(this.#sample));
  }

  /** Ties the coming frame to the device's clocks; counts only if that frame is the one that the anchor names. */
  anchor(anchor: Anchor): void {
    const { nextSeq = anchor.seq } = this.#tracker;
    this.#anchor = { ...anchor, seq: nextSeq + serialDistance(nextSeq, anchor.seq) };
  }

  /** The anchor of the frame that was advanced past, if it had one. */
  takeAnchor(): AnchorRecord | undefined {
    const anchor = this.#anchor;
    if (anchor === undefined) return undefined;
    this.#anchor = undefined;
    const { seq, captureMs, captureUs, droppedFrameCount } = anchor;
    if (seq !== this.nextSeq - 1) return undefined;
    this.#droppedFrameCount = Math.max(this.#droppedFrameCount, droppedFrameCount);
    return { seq, captureMs, captureUs };
  }

  /** The device paused: its media time stood still while the clocks went on. */
  pause(): void {
    this.#drift.reset();
  }
}
