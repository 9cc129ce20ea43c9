import {
  type FrameDecoder,
  formatWavHeader,
  HumMeter,
  LevelMeter,
  type Levels,
  type Overview,
  OverviewMeter,
  overviewGrid,
  type SampleSink,
} from "@eet/audio";
import { frameRules } from "@eet/protocol";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { BinReader, type BinSource } from "./bin-reader-store.ts";
import { type DecodableSegment, FrameSamples } from "./frame-samples.ts";
import { type FrameScan, placeFrames } from "./frame-scan.ts";
import type { FileFacts, HashedTarget } from "./hashed-target-store.ts";
import { SampleBlock } from "./sample-block.ts";
import { formatSegmentTrailer } from "./wav-metadata.ts";

/** What decoding a segment's frames gave. */
export interface Rendering {
  /** Samples per channel in the WAV. */
  readonly sampleCount: number;
  readonly levels: Levels;
  /** See `HumMeter`. */
  readonly humShare: number | null;
  readonly repairedSampleCount: number;
  readonly concealedSampleCount: number;
  readonly wav: FileFacts;
  /** When it was asked for. */
  readonly overview: Overview | undefined;
}

/** What to render and how. */
export interface RenderingRequest extends DecodableSegment {
  readonly bin: BinSource;
  readonly scan: FrameScan;
  /** Measure what it looks like from afar. */
  readonly wantsOverview?: boolean;
}

/** True when the samples can be had: multichannel ADPCM only with a configured layout. [P-1.7] */
export function isDecodable({ session }: SegmentOpening): boolean {
  const { codec, channels } = session.format;
  return codec === "pcm16" || channels === 1 || session.profile.adpcmLayout !== undefined;
}

/**
 * Decodes a segment to its WAV: header, samples with gaps filled or skipped, metadata.
 *
 * @param target - takes the WAV and is finished then; to be closed or aborted by the caller
 */
export function renderSegment(request: RenderingRequest, target: HashedTarget): Rendering {
  const { opening, scan } = request;
  const { sampleRateHz, channels } = opening.session.format;
  const isFilled = opening.gapFill === "silence";
  const sampleCount = isFilled ? scan.sampleCount : scan.sampleCount - scan.gapSampleCount;
  const leadingGap = opening.leadingGap?.fromSeq === opening.start.seq ? opening.leadingGap : null;
  const firstSample = opening.start.sample + (isFilled ? 0 : (leadingGap?.sampleCount ?? 0));
  const trailer = formatSegmentTrailer(opening, firstSample);
  const meter = new LevelMeter({ sampleRateHz, channels });
  const hum = new HumMeter({ sampleRateHz, channels });
  const overview = request.wantsOverview
    ? new OverviewMeter(overviewGrid(sampleRateHz, channels), scan.sampleCount)
    : undefined;
  target.write(formatWavHeader({ sampleRateHz, channels, sampleCount, trailerBytes: trailer.byteLength }));
  const write = (samples: Int16Array) => {
    meter.push(samples);
    target.writeSamples(samples);
  };
  const block = new SampleBlock((samples) => {
    write(samples);
    hum.push(samples);
    overview?.push(samples);
  });
  const decoder = decodeFrames(
    request,
    (samples) => block.push(samples),
    (gapSampleCount) => {
      block.flush();
      if (isFilled) writeSilence(gapSampleCount * channels, write);
      hum.skip();
      overview?.skip(gapSampleCount);
    },
  );
  block.flush();
  target.write(trailer);
  return {
    sampleCount,
    levels: meter.levels(),
    humShare: hum.share,
    repairedSampleCount: decoder?.repairedSampleCount ?? 0,
    concealedSampleCount: decoder?.concealedSampleCount ?? 0,
    wav: target.finish(),
    overview: overview?.finish(),
  };
}

/** @returns the decoder, when the frames are mono ADPCM */
function decodeFrames(
  request: RenderingRequest,
  sink: SampleSink,
  onGap: (sampleCount: number) => void,
): FrameDecoder | undefined {
  const { opening, bin, scan } = request;
  const { format, profile } = opening.session;
  const reader = BinReader.of(bin, frameRules(format, profile.adpcmLayout), scan.binBytes);
  const frames = new FrameSamples(request, sink);
  try {
    for (const placed of placeFrames(opening, reader)) {
      if (placed.gap !== null) onGap(placed.gap.sampleCount);
      frames.push(placed, reader);
    }
  } finally {
    reader.close();
  }
  return frames.decoder;
}

const silence = new Int16Array(48_000);

function writeSilence(valueCount: number, sink: SampleSink): void {
  for (let left = valueCount; left > 0; left -= silence.length)
    sink(silence.subarray(0, Math.min(left, silence.length)));
}
