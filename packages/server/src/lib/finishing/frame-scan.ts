import { NibbleOrderDetector, type NibbleOrderVerdict } from "@eet/audio";
import { countFrameSamples, frameRules, limits, measureGap, SeqTracker } from "@eet/protocol";
import type { ClosedSegment, GapRecord, SegmentOpening } from "../kernel/segment-record.ts";
import { type BinFrame, BinReader, type BinSource } from "./bin-reader-store.ts";

/** A frame in its place on the session's time line. */
export interface PlacedFrame {
  readonly frame: BinFrame;
  /** Unwrapped. */
  readonly seq: number;
  /** Samples per channel that the frame stands for. */
  readonly sampleCount: number;
  /** The gap in front of it inside the segment, if any. */
  readonly gap: GapRecord | null;
  /** True when it carries the seq of the frame before it in the segment once more. */
  readonly isRepeat: boolean;
}

/** What a segment's frames say, without decoding them. */
export interface FrameScan {
  readonly frameCount: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly repeatCount: number;
  /** All gaps, the one in front of the segment included. */
  readonly gaps: readonly GapRecord[];
  /** Samples per channel on the time line: frames and the gaps between them. */
  readonly sampleCount: number;
  /** Samples per channel of the gaps inside the segment. */
  readonly gapSampleCount: number;
  /** Bytes that are frames of the segment, from the file's start. */
  readonly binBytes: number;
  readonly verdict: NibbleOrderVerdict | undefined;
}

/**
 * Walks the frames of a segment and places them. The same rules as the recorder's, so that the positions agree. [S-1.3]
 * Ends in front of a frame whose seq goes back: the recorder never writes one, so it is not to be believed. [S-3.1]
 */
export function* placeFrames(opening: SegmentOpening, reader: BinReader): Generator<PlacedFrame> {
  const { format, profile } = opening.session;
  const tracker = new SeqTracker(opening.start.seq);
  let sample = opening.start.sample;
  let previousSampleCount = 0;
  let isFirst = true;
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    const step = tracker.track(frame.seq);
    if (step === "back") return;
    const seq = (tracker.nextSeq ?? 0) - 1;
    const sampleCount = countFrameSamples(format, frame.payloadBytes, profile.adpcmLayout);
    let gap: GapRecord | null = null;
    if (step === "gap") {
      gap =
        opening.leadingGap !== null && opening.leadingGap.toSeq === seq
          ? opening.leadingGap
          : {
              fromSeq: seq - tracker.missingCount,
              toSeq: seq,
              startSample: sample,
              ...measureGap(format, tracker.missingCount, previousSampleCount),
              cause: "not-received",
            };
      sample += gap.sampleCount;
    }
    yield { frame, seq, sampleCount, gap, isRepeat: step === "repeat" && !isFirst };
    isFirst = false;
    sample += sampleCount;
    previousSampleCount = sampleCount;
  }
}

/** What the recorder knows of a segment before its frames are read. */
export type ScannedSegment = Pick<ClosedSegment, "opening" | "observations">;

/**
 * Reads a segment's frames once: positions, gaps, and the nibble order where the frames tell it. The cause of a gap
 * stands in no frame: it is what was observed, else `not-received`.
 *
 * @param endOffset - where the frames end; left out: the end of the `.bin`
 */
export function scanFrames({ opening, observations }: ScannedSegment, bin: BinSource, endOffset?: number): FrameScan {
  const { format, profile } = opening.session;
  const deviceDroppedSeqs = new Set(observations?.deviceDroppedSeqs);
  const reader = BinReader.of(bin, frameRules(format, profile.adpcmLayout), endOffset);
  const detector = createDetector(opening);
  const isLeadingGapOutside = opening.leadingGap !== null && opening.leadingGap.toSeq === opening.start.seq;
  const gaps: GapRecord[] = isLeadingGapOutside && opening.leadingGap !== null ? [opening.leadingGap] : [];
  let [frameCount, repeatCount, frameSamples, gapSampleCount, binBytes] = [0, 0, 0, 0, 0];
  let firstSeq = opening.start.seq;
  let lastSeq = opening.start.seq;
  try {
    for (const { frame, seq, sampleCount, gap, isRepeat } of placeFrames(opening, reader)) {
      if (frameCount === 0) firstSeq = seq;
      lastSeq = seq;
      binBytes = frame.offset + limits.frameHeaderBytes + frame.payloadBytes;
      frameCount += 1;
      frameSamples += sampleCount;
      if (isRepeat) repeatCount += 1;
      if (gap !== null) {
        const isDropped = gap !== opening.leadingGap && deviceDroppedSeqs.has(gap.fromSeq);
        gaps.push(isDropped ? { ...gap, cause: "device-dropped" } : gap);
        gapSampleCount += gap.sampleCount;
      }
      if (detector?.verdict() === undefined) detector?.push({ seq: frame.seq, payload: frame.payload, sampleCount });
    }
  } finally {
    reader.close();
  }
  return {
    frameCount,
    firstSeq,
    lastSeq,
    repeatCount,
    gaps,
    sampleCount: frameSamples + gapSampleCount,
    gapSampleCount,
    binBytes,
    verdict: detector?.verdict(),
  };
}

/** The order is looked for only where it is not configured and the frames are mono ADPCM. [P-1.5] */
function createDetector({ session }: SegmentOpening): NibbleOrderDetector | undefined {
  const { format, profile } = session;
  const isUnknown = format.codec === "adpcm" && format.channels === 1 && profile.configuredNibbleOrder === undefined;
  return isUnknown ? new NibbleOrderDetector({ sampleRateHz: format.sampleRateHz }) : undefined;
}
