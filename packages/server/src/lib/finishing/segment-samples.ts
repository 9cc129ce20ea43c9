import { frameRules } from "@eet/protocol";
import { StorageError } from "../kernel/errors.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { BinReader, type BinSource } from "./bin-reader-store.ts";
import { beginOf, type FramePlace, framesFrom } from "./frame-place.ts";
import { FrameSamples } from "./frame-samples.ts";
import { hashBin } from "./hashed-target-store.ts";
import { isDecodable } from "./segment-rendering.ts";
import { segmentOfSidecar } from "./sidecar-format.ts";
import { parseSidecar } from "./sidecar-parsing.ts";

/** From one mark to the next: at most so much is read in front of what is asked for. */
const markDistanceBytes = 64 * 1024;

/** Frames of a segment that are to be looked at. Plain and serialisable. */
export interface MarksRequest {
  /** Text of the sidecar. */
  readonly sidecar: string;
  /** The `.bin`, or a part of it that begins with a frame. */
  readonly bin: BinSource;
  /** That frame, its offset counted in `bin`; left out: the first of the segment. */
  readonly from?: FramePlace;
}

/** Places of frames, their offsets counted as in the request. Plain and serialisable. */
export interface BinMarks {
  /** One of about every 64 KiB, the first one included; empty when there is no frame. */
  readonly marks: readonly FramePlace[];
  /** The last frame that is there as a whole. */
  readonly last: FramePlace | undefined;
}

/** A part of a segment whose frames are to be decoded. Plain and serialisable. */
export interface SamplesRequest extends MarksRequest {
  /** Positions in the session, samples per channel, within the segment. */
  readonly fromSample: number;
  readonly toSample: number;
}

/**
 * Compares a whole `.bin` with its sidecar and marks places in it, so that its parts need not be looked for.
 *
 * @returns `null` when it is not what the sidecar describes
 * @throws the system's error when it cannot be read
 */
export function indexBin(request: Omit<MarksRequest, "from">): BinMarks | null {
  const { files } = parseSidecar(request.sidecar, "the sidecar");
  const found = hashBin(request.bin, Number.MAX_SAFE_INTEGER);
  return found.bytes === files.bin.bytes && found.sha256 === files.bin.sha256 ? markFrames(request) : null;
}

/** Marks places in a `.bin`, or in a part of it that may end within a frame. */
export function markFrames({ sidecar: text, bin, from }: MarksRequest): BinMarks {
  const sidecar = parseSidecar(text, "the sidecar");
  const { opening } = segmentOfSidecar(sidecar, "");
  const reader = openFrames(opening, bin, sidecar.files.bin.bytes);
  const marks: FramePlace[] = [];
  let last: FramePlace | undefined;
  try {
    for (const { placed, sample } of framesFrom(opening, reader, from ?? beginOf(opening))) {
      last = { offset: placed.frame.offset, seq: placed.seq, sample };
      if (last.offset - (marks.at(-1)?.offset ?? Number.NEGATIVE_INFINITY) >= markDistanceBytes) marks.push(last);
    }
  } finally {
    reader.close();
  }
  return { marks, last };
}

/**
 * Decodes a part of a segment from its `.bin`, to the same samples as in its WAV; gaps are silence. The `.bin` is believed:
 * see {@link indexBin}. It must hold the whole frame behind the part too, if the segment has one.
 *
 * @returns interleaved samples, of the length that was asked for
 * @throws StorageError `SEGMENT_UNREADABLE` when it cannot be decoded; the system's error when it cannot be read
 */
export function decodeSamples({ sidecar: text, bin, from, fromSample, toSample }: SamplesRequest): Int16Array {
  const sidecar = parseSidecar(text, "the sidecar");
  const { opening, nextFrame } = segmentOfSidecar(sidecar, "");
  if (!isDecodable(opening)) {
    throw new StorageError(
      "SEGMENT_UNREADABLE",
      `${sidecar.name} holds ADPCM of ${sidecar.audio.channels} channels whose layout is not configured`,
    );
  }
  const { channels } = opening.session.format;
  const out = new Int16Array((toSample - fromSample) * channels);
  const reader = openFrames(opening, bin, sidecar.files.bin.bytes);
  let [at, endSample] = [0, 0];
  const frames = new FrameSamples({ opening, nibbleOrder: sidecar.nibble_order, nextFrame }, (samples) => {
    const skipCount = Math.max(0, fromSample - at);
    const count = Math.min(samples.length / channels, toSample - at);
    out.set(samples.subarray(skipCount * channels, count * channels), (at + skipCount - fromSample) * channels);
  });
  try {
    for (const { placed, sample } of framesFrom(opening, reader, from ?? beginOf(opening))) {
      [at, endSample] = [sample, sample + placed.sampleCount];
      if (at >= toSample) break;
      if (endSample > fromSample) frames.push(placed, reader);
    }
  } finally {
    reader.close();
  }
  if (endSample < toSample)
    throw new StorageError("SEGMENT_UNREADABLE", `${sidecar.name} ends before sample ${toSample}`);
  return out;
}

function openFrames({ session }: SegmentOpening, bin: BinSource, endOffset: number): BinReader {
  return BinReader.of(bin, frameRules(session.format, session.profile.adpcmLayout), endOffset);
}
