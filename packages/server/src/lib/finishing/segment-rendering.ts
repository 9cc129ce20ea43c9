import {
  decodeMultichannelAdpcm,
  FrameDecoder,
  formatWavHeader,
  LevelMeter,
  type Levels,
  parseAdpcmHeader,
} from "@eet/audio";
import { frameRules } from "@eet/protocol";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import { type BinFrame, BinReader } from "./bin-reader-store.ts";
import { type FrameScan, type PlacedFrame, placeFrames } from "./frame-scan.ts";
import { type FileFacts, HashedTarget } from "./hashed-target-store.ts";
import type { NibbleDecision } from "./nibble-decision.ts";
import { formatSegmentTrailer } from "./wav-metadata.ts";

/** What decoding a segment's frames gave. */
export interface Rendering {
  /** Samples per channel in the WAV. */
  readonly sampleCount: number;
  readonly levels: Levels;
  readonly repairedSampleCount: number;
  readonly concealedSampleCount: number;
  readonly wav: FileFacts;
}

/** What to render and how. */
export interface RenderingRequest {
  readonly opening: SegmentOpening;
  readonly binPath: string;
  readonly scan: FrameScan;
  readonly nibbleOrder: NibbleDecision | null;
  readonly nextFrame: ClosedSegment["nextFrame"];
  /** Where the WAV goes; `null`: it is measured and hashed only. */
  readonly wavPath: string | null;
}

/** True when the samples can be had: multichannel ADPCM only with a configured layout. [P-1.7] */
export function isDecodable({ session }: SegmentOpening): boolean {
  const { codec, channels } = session.format;
  return codec === "pcm16" || channels === 1 || session.profile.adpcmLayout !== undefined;
}

/** Decodes a segment to its WAV: header, samples with gaps filled or skipped, metadata. */
export function renderSegment(request: RenderingRequest): Rendering {
  const { opening, scan, wavPath } = request;
  const { sampleRateHz, channels } = opening.session.format;
  const isFilled = opening.gapFill === "silence";
  const sampleCount = isFilled ? scan.sampleCount : scan.sampleCount - scan.gapSampleCount;
  const leadingGap = opening.leadingGap?.fromSeq === opening.start.seq ? opening.leadingGap : null;
  const firstSample = opening.start.sample + (isFilled ? 0 : (leadingGap?.sampleCount ?? 0));
  const trailer = formatSegmentTrailer(opening, firstSample);
  const meter = new LevelMeter({ sampleRateHz, channels });
  const target = HashedTarget.open(wavPath);
  try {
    target.write(formatWavHeader({ sampleRateHz, channels, sampleCount, trailerBytes: trailer.byteLength }));
    const decoder = decodeFrames(request, (samples) => {
      meter.push(samples);
      target.writeSamples(samples);
    });
    target.write(trailer);
    return {
      sampleCount,
      levels: meter.levels(),
      repairedSampleCount: decoder?.repairedSampleCount ?? 0,
      concealedSampleCount: decoder?.concealedSampleCount ?? 0,
      wav: target.close(),
    };
  } catch (error) {
    target.abort();
    throw error;
  }
}

type SampleSink = (samples: Int16Array) => void;

/** @returns the decoder, when the frames are mono ADPCM */
function decodeFrames(request: RenderingRequest, sink: SampleSink): FrameDecoder | undefined {
  const { opening, binPath, scan, nibbleOrder } = request;
  const { format, profile } = opening.session;
  const reader = BinReader.open(binPath, frameRules(format, profile.adpcmLayout), scan.binBytes);
  const order = nibbleOrder?.order ?? "low";
  const decoder = format.codec === "adpcm" && format.channels === 1 ? new FrameDecoder(order, sink) : undefined;
  try {
    for (const placed of placeFrames(opening, reader)) {
      if (placed.gap !== null && opening.gapFill === "silence")
        writeSilence(placed.gap.sampleCount * format.channels, sink);
      if (decoder !== undefined)
        decoder.decode(placed.frame.payload, placed.sampleCount, stateAfter(placed, reader, request));
      else if (format.codec === "pcm16") sink(readSamples(placed.frame));
      else sink(decodeChannels(placed, request));
    }
  } finally {
    reader.close();
  }
  return decoder;
}

/** Encoder state in front of the frame that follows without a gap. [P-1.6] */
function stateAfter({ seq, sampleCount }: PlacedFrame, reader: BinReader, { nextFrame }: RenderingRequest) {
  // Only an odd frame can lack its last code.
  if (sampleCount % 2 === 0) return undefined;
  const next = reader.peek();
  if (next !== undefined) return next.seq === (seq + 1) % 2 ** 32 ? parseAdpcmHeader(next.payload) : undefined;
  if (nextFrame === null || nextFrame.seq !== seq + 1) return undefined;
  return { predictor: nextFrame.predictor, stepIndex: nextFrame.stepIndex };
}

/** Little-endian samples of a payload that may stand at an odd address. */
function readSamples({ payload }: BinFrame): Int16Array {
  const samples = new Int16Array(payload.byteLength / 2);
  for (let index = 0; index < samples.length; index++) samples[index] = payload.readInt16LE(index * 2);
  return samples;
}

function decodeChannels({ frame, sampleCount }: PlacedFrame, { opening, nibbleOrder }: RenderingRequest): Int16Array {
  const { format, profile } = opening.session;
  const { channels } = format;
  const out = new Int16Array(sampleCount * channels);
  const layout = profile.adpcmLayout ?? "single";
  decodeMultichannelAdpcm(frame.payload, { layout, channels, order: nibbleOrder?.order ?? "low" }, sampleCount, out, 0);
  return out;
}

const silence = new Int16Array(48_000);

function writeSilence(valueCount: number, sink: SampleSink): void {
  for (let left = valueCount; left > 0; left -= silence.length)
    sink(silence.subarray(0, Math.min(left, silence.length)));
}
