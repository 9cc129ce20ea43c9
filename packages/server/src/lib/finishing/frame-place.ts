import type { SegmentOpening } from "../kernel/segment-record.ts";
import type { BinReader } from "./bin-reader-store.ts";
import { type PlacedFrame, placeFrames } from "./frame-scan.ts";

/** Where a frame begins in a segment. */
export interface FramePlace {
  /** In the file. */
  readonly offset: number;
  /** Unwrapped. */
  readonly seq: number;
  /** Samples per channel from the session's start. */
  readonly sample: number;
}

/** A frame with its place on the session's time line. */
export interface PlacedAt {
  readonly placed: PlacedFrame;
  /** First sample. */
  readonly sample: number;
}

/** Where the frames of a segment begin. */
export function beginOf({ start }: SegmentOpening): FramePlace {
  return { offset: 0, ...start };
}

/** The frames of a segment from one of them on. */
export function* framesFrom(opening: SegmentOpening, reader: BinReader, from: FramePlace): Generator<PlacedAt> {
  reader.seek(from.offset);
  let next = from.sample;
  for (const placed of placeFrames({ ...opening, start: { seq: from.seq, sample: from.sample } }, reader)) {
    const sample = next + (placed.gap?.sampleCount ?? 0);
    next = sample + placed.sampleCount;
    yield { placed, sample };
  }
}
