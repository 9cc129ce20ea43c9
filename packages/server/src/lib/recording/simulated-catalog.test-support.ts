import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { ClosedSegment, GapRecord, RecordFormat, ResumePoint, SegmentOpening } from "../kernel/segment-record.ts";
import type { EndedSession } from "./deliveries.ts";
import type { FakeClock } from "./recording.test-support.ts";
import { type SimulatedDisk, type SimulatedFile, splitFrames } from "./simulated-disk.test-support.ts";
import type { SimulatedOperations } from "./simulated-operations.test-support.ts";

/** A frame as it stands in a file. */
export interface StoredFrame {
  /** Unwrapped. */
  readonly seq: number;
  readonly message: Buffer;
  /** Samples from the session's start to its first. */
  readonly sample: number;
}

/** A segment that stands finished on disk, by what is in its file. */
export interface StoredSegment {
  readonly opening: SegmentOpening;
  readonly frames: readonly StoredFrame[];
  readonly gaps: readonly GapRecord[];
  /** Samples of frames and of gaps inside. */
  readonly sampleCount: number;
  /** A crash lost what was observed of it. */
  readonly isRecovered: boolean;
  readonly lastMs: number;
}

/** To derive a segment takes up to this, besides what the disk takes. */
const maxFinishMs = 300;

export interface SimulatedCatalogOptions {
  readonly disk: SimulatedDisk;
  readonly clock: FakeClock;
  readonly operations: SimulatedOperations;
  readonly random: () => number;
  /** Told what must never happen. */
  readonly blame: (fault: string) => void;
}

/** What follows recording: finishes closed segments, recovers those that a crash has left, knows where sessions stand. */
export class SimulatedCatalog {
  readonly #options: SimulatedCatalogOptions;
  readonly #segments = new Map<string, StoredSegment[]>();
  readonly #points = new Map<string, ResumePoint>();
  #tails = new Map<string, Promise<void>>();

  constructor(options: SimulatedCatalogOptions) {
    this.#options = options;
  }

  /** Finished segments of a session, by their frames. */
  segmentsOf(session: string): readonly StoredSegment[] {
    const segments = this.#segments.get(session) ?? [];
    return segments.sort((a, b) => firstSeq(a) - firstSeq(b) || a.opening.index - b.opening.index);
  }

  /** What was last told of a session. */
  pointOf(session: string): ResumePoint | undefined {
    return this.#points.get(session);
  }

  /** Takes the recorder's events. */
  onEvent(event: RecordingEvent): void {
    if (event.type !== "segment.closed") return;
    const { segment } = event;
    const { session } = segment.opening.session;
    const { operations, random } = this.#options;
    const minMs = Math.floor(random() * maxFinishMs);
    const before = this.#tails.get(session) ?? Promise.resolve();
    this.#tails.set(
      session,
      before.then(() => operations.run(() => this.#finish(segment), { minMs })),
    );
  }

  /** Resolves when all that is closed is finished. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  #finish({ opening, binBytes, observations, received }: ClosedSegment): void {
    const { disk, blame, clock } = this.#options;
    const file = disk.filesOf(opening.session.session).find((each) => each.opening.index === opening.index);
    if (file === undefined) {
      if (binBytes > 0) blame(`${opening.name} is closed with ${binBytes} bytes and has no file`);
      return;
    }
    if (file.syncedBytes < binBytes) {
      blame(`${opening.name} is closed with ${binBytes} bytes, of which ${file.syncedBytes} are synced`);
    }
    file.finish(binBytes);
    const scan = scanFrames(file);
    if (scan.byteCount !== binBytes) blame(`${opening.name} has ${scan.byteCount} bytes of frames, not ${binBytes}`);
    const dropped = new Set(observations?.deviceDroppedSeqs);
    const isDropped = (gap: GapRecord) => gap !== opening.leadingGap && dropped.has(gap.fromSeq);
    const gaps = scan.gaps.map((gap) => (isDropped(gap) ? ({ ...gap, cause: "device-dropped" } as const) : gap));
    this.#add(file, { ...scan, gaps, isRecovered: false, lastMs: received?.lastMs ?? clock.wallMs() });
  }

  /** A file without frames goes. */
  #add(file: SimulatedFile, facts: Omit<StoredSegment, "opening">): void {
    if (facts.frames.length === 0) {
      this.#options.disk.remove(file);
      return;
    }
    const { session } = file.opening.session;
    this.#segments.set(session, [...this.segmentsOf(session), { opening: file.opening, ...facts }]);
  }

  /** A new run starts: whatever the one before had open is finished by what its files hold. [P-2.7] */
  recover(): void {
    const { disk, clock } = this.#options;
    this.#tails = new Map();
    this.#points.clear();
    const left = [...disk.files.values()].filter(({ isFinal }) => !isFinal);
    const cuts = left.map((file) => [file, this.#replacedFrom(file)] as const);
    for (const [file, endSeq] of cuts) {
      file.finish(scanFrames(file, endSeq).byteCount);
      this.#add(file, { ...scanFrames(file), isRecovered: true, lastMs: clock.wallMs() });
    }
  }

  /** Where a file begins that was made because this one failed: from there on this one must not be believed. */
  #replacedFrom({ opening }: SimulatedFile): number {
    const later = this.#options.disk.filesOf(opening.session.session).filter((file) => {
      const { index, start } = file.opening;
      return index > opening.index && start.seq >= opening.start.seq && scanFrames(file).frames.length > 0;
    });
    return Math.min(Infinity, ...later.map((file) => file.opening.start.seq));
  }

  /** See `DeliveriesHost.findEnded`. */
  async findEnded(session: string): Promise<EndedSession | undefined> {
    await this.#options.operations.run(() => {});
    await this.#tails.get(session);
    const point = this.#resumePoint(session);
    if (point === undefined) return undefined;
    this.#points.set(session, point);
    return { point, uploadedNext: undefined };
  }

  #resumePoint(session: string): ResumePoint | undefined {
    const segments = this.segmentsOf(session);
    const last = segments.at(-1);
    if (last === undefined) return undefined;
    const { opening, sampleCount, gaps, frames } = last;
    const inside = gaps.filter((gap) => gap.startSample >= opening.start.sample);
    const gapSamples = inside.reduce((sum, gap) => sum + gap.sampleCount, 0);
    const { frameSampleCount } = opening.session.format;
    return {
      record: { ...opening.session, profile: {} },
      next: { seq: lastSeq(last) + 1, sample: opening.start.sample + sampleCount },
      nextIndex: Math.max(...segments.map((segment) => segment.opening.index)) + 1,
      lastFrameSampleCount: frameSampleCount || Math.round((sampleCount - gapSamples) / frames.length),
      lastActiveMs: Math.max(...segments.map(({ lastMs }) => lastMs)),
    };
  }
}

function firstSeq({ frames }: StoredSegment): number {
  return frames[0]?.seq ?? 0;
}

function lastSeq({ frames }: StoredSegment): number {
  return frames.at(-1)?.seq ?? 0;
}

interface FrameScan {
  readonly frames: StoredFrame[];
  readonly gaps: GapRecord[];
  readonly sampleCount: number;
  /** Of whole frames in order, from the start. */
  readonly byteCount: number;
}

const frameHeaderBytes = 12;

/** Frames in their places, by the rules of finishing. @param endSeq - unwrapped; frames from there on are left out */
export function scanFrames({ content, opening }: SimulatedFile, endSeq = Infinity): FrameScan {
  const { session, start, leadingGap } = opening;
  const isLeadingGapOutside = leadingGap !== null && leadingGap.toSeq === start.seq;
  const gaps: GapRecord[] = isLeadingGapOutside ? [leadingGap] : [];
  const frames: StoredFrame[] = [];
  let [next, sample, previousCount, byteCount] = [start.seq, start.sample, 0, 0];
  for (const message of splitFrames(content)) {
    const distance = signedDistance(next, message.readUInt32LE(8));
    const seq = next + distance;
    if (distance < 0 || seq >= endSeq) break;
    if (distance > 0) {
      const measured = measureGap(session.format, next, distance, sample, previousCount);
      const gap = leadingGap?.toSeq === seq ? leadingGap : measured;
      gaps.push(gap);
      sample += gap.sampleCount;
    }
    frames.push({ seq, message, sample });
    previousCount = (message.length - frameHeaderBytes) / 2;
    sample += previousCount;
    next = seq + 1;
    byteCount += message.length;
  }
  return { frames, gaps, sampleCount: sample - start.sample, byteCount };
}

function measureGap(
  { frameSampleCount }: RecordFormat,
  fromSeq: number,
  missingCount: number,
  startSample: number,
  previousCount: number,
): GapRecord {
  const sampleCount = missingCount * (frameSampleCount || previousCount);
  const isEstimated = frameSampleCount === 0;
  return { fromSeq, toSeq: fromSeq + missingCount, startSample, sampleCount, isEstimated, cause: "not-received" };
}

function signedDistance(from: number, to: number): number {
  return Number(BigInt.asIntN(32, BigInt(to) - BigInt(from)));
}
