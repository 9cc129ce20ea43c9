import type { GapRecord, RecordFormat, ResumePoint } from "../kernel/segment-record.ts";
import type { DeliveryProgress } from "./delivery.ts";
import type { StoredFrame, StoredSegment } from "./simulated-catalog.test-support.ts";

/** A longer gap is refused. */
const maxGapMs = 48 * 60 * 60 * 1000;

/** A frame as a device made it. */
export interface MadeFrame {
  /** Counts all frames of the device, from a first one that fits 32 bits: never wraps. */
  readonly number: number;
  readonly message: Uint8Array;
  readonly sampleCount: number;
  /** Frames that the device had dropped before it made this one. */
  readonly droppedCount: number;
}

interface TakenFrame extends MadeFrame {
  readonly sample: number;
  readonly takenMs: number;
}

interface ModelGap extends Pick<GapRecord, "startSample" | "sampleCount" | "cause"> {
  readonly from: number;
  readonly to: number;
  /** The recorder cannot tell the cause for sure. */
  readonly isCauseVague: boolean;
}

export interface SessionModelOptions {
  /** As messages name it. */
  readonly wireSession: bigint;
  /** As files name it. */
  readonly id: string;
  readonly format: RecordFormat;
  /** Wire seqs of the session that would be there if the power went now. */
  readonly readDurable: () => ReadonlySet<number>;
  /** Told what must never happen. */
  readonly blame: (fault: string) => void;
}

/**
 * What must hold of one acknowledged session, told by nothing but the frames that were handed over: counted in the
 * device's numbers, which do not wrap. [P-2]
 */
export class SessionModel {
  readonly wireSession: bigint;
  readonly id: string;
  readonly #options: SessionModelOptions;
  /** What the recorder must have, in order. */
  #taken: TakenFrame[] = [];
  #gaps: ModelGap[] = [];
  /** Frames of {@link #taken} that were acknowledged. */
  #durableCount = 0;
  /** Up to here everything was acknowledged. */
  #durableNext = 0;
  #next = 0;
  #sample = 0;
  #lastSampleCount = 0;
  /** The device's number less the recorder's unwrapped seq. */
  #base = 0;
  #firstDroppedCount = 0;
  #duplicateCount = 0;
  /** The frame that the last anchor names. */
  #anchored: number | undefined;
  /** The recorder knows what the device had dropped before. */
  #knowsDropped = true;
  /** The recorder has given it up: it takes nothing any more. */
  isGivenUp = false;
  /** A crash has left nothing of it: it cannot go on. */
  isLost = false;

  constructor(options: SessionModelOptions) {
    this.#options = options;
    this.wireSession = options.wireSession;
    this.id = options.id;
  }

  /** A frame has come. */
  get isBegun(): boolean {
    return this.#taken.length > 0;
  }

  /** Number of the coming frame. */
  get next(): number {
    return this.#next;
  }

  /** Every frame before this number was acknowledged. */
  get durableNext(): number {
    return this.#durableNext;
  }

  /** Numbers of the frames that the recorder must have. */
  get takenNumbers(): readonly number[] {
    return this.#taken.map(({ number }) => number);
  }

  /** What it has come to. */
  get counts() {
    return {
      frameCount: this.#taken.length,
      acknowledgedCount: this.#durableCount,
      duplicateCount: this.#duplicateCount,
      gapCount: this.#gaps.length,
      hasWrapped: this.isBegun && this.#next - this.#base > 2 ** 32,
    };
  }

  /** Dropped frames, as the device counts them in this session. */
  droppedCountFor({ droppedCount }: MadeFrame): number {
    return this.isBegun ? droppedCount - this.#firstDroppedCount : 0;
  }

  /** The session's connection announces a frame. */
  anchor({ number }: MadeFrame): void {
    this.#anchored = number;
  }

  /** True when a frame lies so far ahead that it is refused. */
  isTooFar({ number }: MadeFrame): boolean {
    if (!this.isBegun || number <= this.#next) return false;
    const { sampleRateHz } = this.#options.format;
    return (this.#measure(number - this.#next) * 1000) / sampleRateHz > maxGapMs;
  }

  #measure(missingCount: number): number {
    return missingCount * (this.#options.format.frameSampleCount || this.#lastSampleCount);
  }

  /** Server wall clock at the last frame that is not lost. */
  get lastFrameMs(): number {
    return this.#taken.at(-1)?.takenMs ?? 0;
  }

  /** The session's connection hands a frame over. */
  take(frame: MadeFrame, takenMs: number): void {
    if (this.isGivenUp || this.isTooFar(frame)) return;
    if (!this.isBegun) this.#begin(frame);
    if (frame.number < this.#next) {
      this.#duplicateCount += 1;
      return;
    }
    if (frame.number > this.#next) this.#skipTo(frame);
    if (this.#anchored === frame.number) this.#knowsDropped = true;
    this.#anchored = undefined;
    this.#taken.push({ ...frame, takenMs, sample: this.#sample });
    this.#sample += frame.sampleCount;
    this.#lastSampleCount = frame.sampleCount;
    this.#next = frame.number + 1;
  }

  #begin({ number, droppedCount }: MadeFrame): void {
    this.#base = number - (number % 2 ** 32);
    this.#next = number;
    this.#durableNext = number;
    this.#firstDroppedCount = droppedCount;
  }

  #skipTo({ number, droppedCount }: MadeFrame): void {
    const sampleCount = this.#measure(number - this.#next);
    const hasDropped = droppedCount > (this.#taken.at(-1)?.droppedCount ?? 0);
    const isAnchored = this.#anchored === number;
    this.#gaps.push({
      ...{ from: this.#next, to: number, startSample: this.#sample, sampleCount },
      cause: isAnchored && hasDropped ? "device-dropped" : "not-received",
      isCauseVague: isAnchored && !this.#knowsDropped,
    });
    this.#sample += sampleCount;
  }

  /** The connection is told how far the session has come. */
  checkProgress(told: DeliveryProgress): void {
    const { receivedNext, durableNext, uploadedNext, duplicateCount } = told;
    const expected = this.isBegun ? this.#next - this.#base : 0;
    if (receivedNext !== expected) this.#blame(`receivedNext is ${receivedNext}, it must be ${expected}`);
    if (duplicateCount !== this.#duplicateCount) {
      this.#blame(`${duplicateCount} duplicates are counted, it were ${this.#duplicateCount}`);
    }
    if (uploadedNext > durableNext) this.#blame(`uploadedNext ${uploadedNext} is beyond durableNext ${durableNext}`);
    this.promise(durableNext);
  }

  /** The connection is told how far the session is durable: what lies before it must never be lost. */
  promise(durableNext: number): void {
    const next = this.isBegun ? durableNext + this.#base : 0;
    if (next < this.#durableNext) this.#blame(`durableNext goes back to ${durableNext}`);
    if (next > this.#next) this.#blame(`durableNext ${durableNext} is beyond what was received`);
    if (next <= this.#durableNext) return;
    const durable = this.#options.readDurable();
    for (let frame = this.#taken[this.#durableCount]; frame !== undefined && frame.number < next; ) {
      if (!durable.has(frame.number >>> 0)) {
        this.#blame(`durableNext ${durableNext} is told while seq ${this.#seqOf(frame)} is not durable`);
        break;
      }
      this.#durableCount += 1;
      frame = this.#taken[this.#durableCount];
    }
    this.#durableNext = next;
  }

  /** The recorder goes on with it from what the disk holds. */
  resume({ next, lastFrameSampleCount }: ResumePoint): void {
    if (next.seq !== this.#next - this.#base || next.sample !== this.#sample) {
      const expected = `${this.#next - this.#base} and sample ${this.#sample}`;
      this.#blame(`it is resumed at ${next.seq} and sample ${next.sample}, not at ${expected}`);
    }
    this.#duplicateCount = 0;
    this.#anchored = undefined;
    this.#knowsDropped = false;
    this.#lastSampleCount = lastFrameSampleCount;
  }

  /** The server has died: what it had in memory is gone, what was acknowledged must be on disk. */
  crash(segments: readonly StoredSegment[]): void {
    this.#judgeFrames(segments);
    this.isGivenUp = false;
    const stored = new Set(segments.flatMap(({ frames }) => frames.map(({ seq }) => seq + this.#base)));
    const firstMissing = this.#taken.findIndex(({ number }) => !stored.has(number));
    const keptCount = firstMissing < 0 ? this.#taken.length : firstMissing;
    if (stored.size > keptCount) this.#blame(`a crash leaves ${stored.size - keptCount} frames behind a hole`);
    this.isLost ||= keptCount === 0;
    this.#taken = this.#taken.filter(({ number }) => stored.has(number));
    const last = this.#taken.at(-1);
    this.#gaps = this.#gaps.filter(({ to }) => last !== undefined && to <= last.number);
    if (last === undefined) return;
    this.#next = last.number + 1;
    this.#sample = last.sample + last.sampleCount;
    if (this.#durableNext > this.#next) {
      this.#blame(`it goes on at ${this.#next - this.#base}, ${this.#durableNext - this.#base} was acknowledged`);
    }
    this.#durableNext = Math.min(this.#durableNext, this.#next);
  }

  /** Everything was brought to rest: what was taken must be there, and nothing else. */
  judge(segments: readonly StoredSegment[]): void {
    this.#judgeFrames(segments);
    const storedCount = segments.reduce((sum, { frames }) => sum + frames.length, 0);
    if (storedCount !== this.#taken.length) {
      this.#blame(`${storedCount} frames are on disk, ${this.#taken.length} were taken`);
    }
    this.#judgeGaps(segments);
  }

  /** Each frame on disk stands there once, in order, in its place and as it was sent; each acknowledged one is there. */
  #judgeFrames(segments: readonly StoredSegment[]): void {
    const taken = new Map(this.#taken.map((frame) => [frame.number - this.#base, frame]));
    const stored = new Set<number>();
    let next = 0;
    for (const frame of segments.flatMap(({ frames }) => frames)) {
      const expected = taken.get(frame.seq);
      if (frame.seq < next) this.#blame(`seq ${frame.seq} is there twice, or behind ${next}`);
      if (expected === undefined) this.#blame(`seq ${frame.seq} is on disk and was not taken`);
      else this.#judgeFrame(frame, expected);
      next = frame.seq + 1;
      stored.add(frame.seq);
    }
    for (const frame of this.#taken.slice(0, this.#durableCount)) {
      const seq = this.#seqOf(frame);
      if (!stored.has(seq)) this.#blame(`seq ${seq} was acknowledged and is not on disk`);
    }
  }

  #judgeFrame({ seq, message, sample }: StoredFrame, expected: TakenFrame): void {
    if (!message.equals(expected.message)) this.#blame(`seq ${seq} is on disk with other bytes than were sent`);
    if (sample !== expected.sample) this.#blame(`seq ${seq} stands at sample ${sample}, not ${expected.sample}`);
  }

  #judgeGaps(segments: readonly StoredSegment[]): void {
    const told = segments.flatMap(({ gaps, isRecovered }) => gaps.map((gap) => ({ gap, isRecovered })));
    if (told.length !== this.#gaps.length) this.#blame(`${told.length} gaps are told, it were ${this.#gaps.length}`);
    for (const [index, { from, to, startSample, sampleCount, cause, isCauseVague }] of this.#gaps.entries()) {
      const { gap, isRecovered = false } = told[index] ?? {};
      const [fromSeq, toSeq] = [from - this.#base, to - this.#base];
      const isPlaced = gap?.startSample === startSample && gap.sampleCount === sampleCount;
      // A crash loses what no frame tells.
      const isExplained = isCauseVague || gap?.cause === cause || (isRecovered && gap?.cause === "not-received");
      if (gap?.fromSeq === fromSeq && gap.toSeq === toSeq && isPlaced && isExplained) continue;
      const expected = { fromSeq, toSeq, startSample, sampleCount, cause };
      this.#blame(`a gap is told as ${JSON.stringify(gap)}, it was ${JSON.stringify(expected)}`);
    }
  }

  #seqOf({ number }: MadeFrame): number {
    return number - this.#base;
  }

  #blame(fault: string): void {
    this.#options.blame(`session ${this.id}: ${fault}`);
  }
}
