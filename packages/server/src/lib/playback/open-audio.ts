import { NibbleOrderDetector, type NibbleOrderVerdict } from "@eet/audio";
import { frameRules } from "@eet/protocol";
import { BinReader } from "../finishing/bin-reader-store.ts";
import { beginOf, type FramePlace, framesFrom } from "../finishing/frame-place.ts";
import { FrameSamples } from "../finishing/frame-samples.ts";
import { decideNibbleOrder } from "../finishing/nibble-decision.ts";
import { isDecodable } from "../finishing/segment-rendering.ts";
import { systemErrorCode } from "../kernel/errors.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { type PastAsk, PastMeter, type PastPicture } from "../live/past-meter.ts";
import { segmentEndings } from "../storage/segment-path.ts";

/** From one mark to the next. */
const markDistanceS = 5;

/** What an earlier look at a segment told, so that the next one need not read it from its beginning. */
export interface FrameIndex {
  readonly marks: readonly FramePlace[];
  /** Behind the last frame that was looked at. */
  readonly endSample: number;
  readonly verdict: NibbleOrderVerdict | undefined;
}

/** One of the last segments of a session; it may be written to meanwhile, or gone. */
export interface OpenSegment {
  readonly opening: SegmentOpening;
  /** Of its files, without their endings. */
  readonly basePath: string;
  readonly index: FrameIndex | undefined;
}

/** Plain and serialisable. */
export interface OpenAudioRequest extends Pick<PastAsk, "fromSample" | "toSample" | "binCount" | "nibbleOrder"> {
  /** Of one session, in order; not empty. */
  readonly segments: readonly OpenSegment[];
}

/** Plain and serialisable. */
export interface OpenAudio {
  readonly picture: PastPicture;
  /** Of the segments that were asked about, in their order. */
  readonly indexes: readonly (FrameIndex | undefined)[];
}

/**
 * Measures what the last segments of a session hold, the one that is being written included: what of it stands in its file.
 * A segment whose file is gone holds nothing.
 */
export function measureOpenAudio(request: OpenAudioRequest): OpenAudio {
  const { segments, fromSample, toSample, binCount } = request;
  const [first] = segments;
  if (first === undefined) throw new RangeError("no segment to look at");
  const { start, session } = first.opening;
  const range = { fromSample, toSample, binCount, knownFrom: start.sample };
  const meter = new PastMeter({ ...range, format: session.format });
  let reachedSample = start.sample;
  let { nibbleOrder } = request;
  const indexes = segments.map((segment, place) => {
    const endSample = segments[place + 1]?.opening.start.sample ?? Number.POSITIVE_INFINITY;
    const { sample } = segment.opening.start;
    if (sample >= meter.endSample || !isDecodable(segment.opening)) return segment.index;
    reachedSample = Math.max(reachedSample, sample);
    if (endSample <= meter.firstSample) return segment.index;
    const index = measureSegment(segment, endSample, meter, nibbleOrder);
    // A segment of few frames does not tell by itself.
    nibbleOrder = index?.verdict?.order ?? nibbleOrder;
    reachedSample = Math.max(reachedSample, Math.min(index?.endSample ?? 0, endSample));
    return index;
  });
  return { picture: meter.finish(reachedSample), indexes };
}

/** @param endSample - what lies behind it stands in the next segment */
function measureSegment(
  segment: OpenSegment,
  endSample: number,
  meter: PastMeter,
  nibbleOrder: PastAsk["nibbleOrder"],
): FrameIndex | undefined {
  const { opening } = segment;
  const reader = openFrames(segment);
  if (reader === undefined) return undefined;
  try {
    const toSample = Math.min(meter.endSample, endSample);
    const index = indexFrames(segment, reader, toSample);
    const decision = decideNibbleOrder(opening.session, index.verdict, nibbleOrder);
    let at = 0;
    const { channels } = opening.session.format;
    const frames = new FrameSamples({ opening, nibbleOrder: decision, nextFrame: null }, (samples) => {
      meter.push(samples.subarray(0, Math.max(0, endSample - at) * channels), at);
    });
    const from = index.marks.findLast(({ sample }) => sample <= meter.firstSample) ?? beginOf(opening);
    for (const { placed, sample } of framesFrom(opening, reader, from)) {
      if (sample >= toSample) break;
      at = sample;
      if (sample + placed.sampleCount > meter.firstSample) frames.push(placed, reader);
    }
    return index;
  } finally {
    reader.close();
  }
}

/** A segment that is being finished changes its name. @returns `undefined` when there is no file, or none yet */
function openFrames({ opening, basePath }: OpenSegment): BinReader | undefined {
  const { format, profile } = opening.session;
  for (const ending of [segmentEndings.binPart, segmentEndings.bin, segmentEndings.binPart]) {
    try {
      return BinReader.open(basePath + ending, frameRules(format, profile.adpcmLayout));
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** Looks at the frames behind those of the last look, up to `toSample`. */
function indexFrames({ opening, index }: OpenSegment, reader: BinReader, toSample: number): FrameIndex {
  if (index !== undefined && index.endSample >= toSample) return index;
  const { sampleRateHz } = opening.session.format;
  const marks = [...(index?.marks ?? [beginOf(opening)])];
  let last = marks.at(-1) ?? beginOf(opening);
  let endSample = last.sample;
  const detector = index?.verdict === undefined ? createDetector(opening) : undefined;
  for (const { placed, sample } of framesFrom(opening, reader, last)) {
    const { frame, seq, sampleCount } = placed;
    if (sample >= toSample) break;
    if (sample - last.sample >= markDistanceS * sampleRateHz) {
      last = { offset: frame.offset, seq, sample };
      marks.push(last);
    }
    detector?.push({ seq: frame.seq, payload: frame.payload, sampleCount });
    endSample = sample + sampleCount;
  }
  return { marks, endSample, verdict: index?.verdict ?? detector?.verdict() };
}

function createDetector({ session }: SegmentOpening): NibbleOrderDetector | undefined {
  const { codec, channels, sampleRateHz } = session.format;
  const isUnknown = codec === "adpcm" && channels === 1 && session.profile.configuredNibbleOrder === undefined;
  return isUnknown ? new NibbleOrderDetector({ sampleRateHz }) : undefined;
}
