import { setImmediate as nextTurn } from "node:timers/promises";
import { type DrawnAudio, overviewBinCount, overviewGrid, spectrumSizeFor } from "@eet/audio";
import { RequestError } from "../kernel/errors.ts";
import { middleBin } from "./fold-rows.ts";
import type { OverviewSource } from "./overview-source.ts";
import type { PcmReader, SegmentPart } from "./pcm-reader.ts";
import { PeakColumns } from "./peak-columns.ts";
import { PieceLine } from "./piece-line.ts";
import type { PlaybackThreads } from "./playback-threads.ts";
import { formatSpectrogramPng } from "./png-format.ts";
import type { RangeFacts, RangePeaks, RangeSpectrogram } from "./range-facts.ts";
import { piecesWithSilence, type RangePlan } from "./range-plan.ts";
import { readAhead } from "./read-ahead.ts";
import { concatSamples, samplesOf } from "./sample-bytes.ts";
import { SpectrumColumns } from "./spectrum-columns.ts";

const [maxWidth, maxHeight] = [8192, 1024];
/** Samples over all channels that are read for a picture; beyond it what is stored has to do. */
const maxReadValues = 16 * 1024 * 1024;
/** Pairs of stored peaks that a column must at least span; a finer one is read from the samples. */
const leastPeaksPerColumn = 2;
const overviewsAhead = 16;

export interface RangePicturesOptions {
  /** For the segments of a plan. */
  readonly pcmOf: (plan: RangePlan) => PcmReader;
  readonly overviews: OverviewSource;
  readonly threads: PlaybackThreads;
}

interface DrawingOptions {
  readonly width: number;
  /** Ends the drawing: it rejects with the signal's reason. */
  readonly signal: AbortSignal | undefined;
}

/** Draws ranges: from stored overviews, or from the samples where those are too coarse. */
export class RangePictures {
  readonly #options: RangePicturesOptions;

  constructor(options: RangePicturesOptions) {
    this.#options = options;
  }

  async peaks(plan: RangePlan, facts: RangeFacts, { width, signal }: DrawingOptions): Promise<RangePeaks> {
    const { peakSamples } = overviewGrid(plan.sampleRateHz, plan.channels);
    const isExact = isReadable(plan) && plan.to - plan.from < width * leastPeaksPerColumn * peakSamples;
    const pairs = isExact
      ? await this.#options.threads.drawPeaks(await this.#read(plan, signal), width, signal)
      : (await this.#gather(plan, new PeakColumns(plan, width), signal)).pairs;
    return { ...facts, width, columns: pairs.map(nullWhereMissing), isExact };
  }

  async spectrogram(
    plan: RangePlan,
    facts: RangeFacts,
    { width, height, signal }: DrawingOptions & { readonly height: number },
  ): Promise<RangeSpectrogram> {
    const { threads } = this.#options;
    const { columnSamples } = overviewGrid(plan.sampleRateHz, plan.channels);
    const isExact = isReadable(plan) && plan.to - plan.from < width * columnSamples;
    const binCount = isExact ? spectrumSizeFor(height) / 2 : overviewBinCount;
    const levels = isExact
      ? await threads.drawSpectrogram(await this.#read(plan, signal), width, { binCount, signal })
      : await threads.levelsOf((await this.#gather(plan, new SpectrumColumns(plan, width), signal)).sums);
    const values = height === binCount ? levels : await threads.foldRows({ levels, width, binCount, height });
    const hzPerBin = plan.sampleRateHz / (2 * binCount);
    return {
      ...facts,
      width,
      height,
      lowestHz: middleBin(0, binCount, height) * hzPerBin,
      highestHz: middleBin(height - 1, binCount, height) * hzPerBin,
      values,
      png: async () => formatSpectrogramPng(await threads.formatPngRows({ values, width, height }), width, height),
    };
  }

  /** The whole range in memory. */
  async #read(plan: RangePlan, signal: AbortSignal | undefined): Promise<DrawnAudio> {
    const { channels, from, to } = plan;
    const chunks: Int16Array[] = [];
    const line = new PieceLine(piecesWithSilence(plan));
    for await (const bytes of this.#options.pcmOf(plan).read(line, channels, 0, to - from)) {
      signal?.throwIfAborted();
      chunks.push(samplesOf(bytes));
    }
    const missing = plan.missing.map((stretch) => [stretch.from - from, stretch.to - from] as const);
    return { samples: concatSamples(chunks), channels, missing };
  }

  async #gather<Columns extends PeakColumns | SpectrumColumns>(
    plan: RangePlan,
    columns: Columns,
    signal: AbortSignal | undefined,
  ): Promise<Columns> {
    const { pcmOf, overviews } = this.#options;
    const pcm = pcmOf(plan);
    for (const run of plan.runs) {
      const parts = pcm.parts(run, run.from, run.to);
      const found = readAhead(parts, overviewsAhead, async (part: SegmentPart) => ({
        part,
        overview: await overviews.overviewOf(part.segment),
      }));
      for await (const { part, overview } of found) {
        signal?.throwIfAborted();
        columns.add(overview, part, run.origin);
        // Overviews that are kept come at once: without this a picture of days would be made in one turn.
        await nextTurn();
      }
    }
    return columns;
  }
}

function isReadable({ from, to, channels }: RangePlan): boolean {
  return (to - from) * channels <= maxReadValues;
}

function nullWhereMissing(pairs: Int16Array): readonly (number | null)[] {
  const values: (number | null)[] = Array.from(pairs);
  for (let at = 0; at < pairs.length; at += 2) {
    if ((pairs[at] as number) <= (pairs[at + 1] as number)) continue;
    values[at] = null;
    values[at + 1] = null;
  }
  return values;
}

/** @throws RequestError `RANGE_INVALID` */
export function assertPictureSize(width: number, height: number): void {
  for (const [name, value, max] of [
    ["width", width, maxWidth],
    ["height", height, maxHeight],
  ] as const) {
    if (Number.isInteger(value) && value >= 1 && value <= max) continue;
    throw new RequestError("RANGE_INVALID", `the ${name} must be a whole number from 1 to ${max}; got ${value}`);
  }
}
