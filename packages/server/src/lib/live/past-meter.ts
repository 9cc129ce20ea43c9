import type { SegmentOpening } from "../kernel/segment-record.ts";
import type { ColumnRun } from "./binary-messages.ts";
import { type Column, joinColumns } from "./column-runs.ts";
import { type LevelBlock, LevelBlocks, mergeBlocks } from "./level-blocks.ts";
import { liveLimits } from "./live-messages.ts";
import { SpectrumColumns } from "./spectrum-columns.ts";

/** Columns of a message: at 512 bins 32 KB. */
const maxRunLength = 64;

/** What of a session is asked for that was received before somebody looked. */
export interface PastAsk {
  /** Segments that may hold it, in order, the one that is being written included; not empty. */
  readonly openings: readonly SegmentOpening[];
  /** Samples per channel from the session's start. */
  readonly fromSample: number;
  readonly toSample: number;
  /** 0: seconds are asked for instead of levels and spectrum. */
  readonly binCount: number;
  /** How ADPCM is decoded where its own frames do not tell. */
  readonly nibbleOrder: "low" | "high" | undefined;
}

/** Levels and spectrum of a stretch of a session, as they would have been live. Plain and serialisable. */
export interface PastPicture {
  /** Where columns begin. What begins from here on and before `toSample`, and was received, is there; nothing else is. */
  readonly fromSample: number;
  /** May lie before what was asked for: what comes then is not written yet. */
  readonly toSample: number;
  readonly runs: readonly ColumnRun[];
  readonly blocks: readonly LevelBlock[];
  /** Levels of whole seconds from what was asked for on, if those were; `null` where nothing was received. */
  readonly seconds?: readonly (LevelBlock | null)[];
}

/** Reads what was received before somebody looked, besides what it takes to record. */
export type ReadPast = (ask: PastAsk) => Promise<PastPicture>;

export interface PastMeterOptions extends Pick<PastAsk, "fromSample" | "toSample" | "binCount"> {
  readonly format: { readonly sampleRateHz: number; readonly channels: number };
  /** Nothing before it will be pushed. */
  readonly knownFrom: number;
}

/** Measures a stretch of a session on the same grid as live: what both give of a column is the same. */
export class PastMeter {
  /** First sample that is looked at. */
  readonly firstSample: number;
  /** Behind the last one. */
  readonly endSample: number;
  readonly #options: PastMeterOptions;
  readonly #from: number;
  readonly #to: number;
  readonly #blockSamples: number;
  readonly #columns: Column[] = [];
  readonly #blocks: LevelBlock[] = [];
  readonly #spectrum: SpectrumColumns;
  readonly #levels: LevelBlocks;
  /** Behind the last sample. */
  #nextAt: number | undefined;

  constructor(options: PastMeterOptions) {
    const { format, fromSample, toSample, binCount, knownFrom } = options;
    this.#options = options;
    // Without a spectrum it gives the grid alone.
    this.#spectrum = new SpectrumColumns(format, binCount || liveLimits.defaultBinCount, (start, levels) =>
      this.#columns.push({ start, levels }),
    );
    this.#levels = new LevelBlocks(format, (block) => this.#blocks.push(block));
    const { columnSamples, historySamples } = this.#spectrum;
    this.#blockSamples = this.#levels.blockSamples;
    const from = floorTo(fromSample, columnSamples);
    this.#to = Math.max(from, floorTo(toSample + columnSamples - 1, columnSamples));
    this.firstSample = Math.max(0, from - historySamples);
    this.endSample = this.#to + Math.max(columnSamples, this.#blockSamples);
    const begin = Math.max(knownFrom, this.firstSample);
    this.#from = Math.max(from, this.#spectrum.begin(begin));
    this.#levels.begin(begin);
  }

  /** Takes interleaved samples in order. @param at - samples per channel from the session's start to the first */
  push(samples: Int16Array, at: number): void {
    if (this.#nextAt !== undefined && at !== this.#nextAt) this.#levels.noteBreak({ isGap: true, isSkip: false });
    this.#nextAt = at + samples.length / this.#options.format.channels;
    if (this.#options.binCount > 0) this.#spectrum.push(samples, at);
    this.#levels.push(samples, at);
  }

  /** @param reachedSample - all before it that was received has been pushed, as far as it is looked at */
  finish(reachedSample: number): PastPicture {
    const { columnSamples } = this.#spectrum;
    const whole = Math.min(this.#to, reachedSample, floorTo(reachedSample, this.#blockSamples));
    const to = Math.max(this.#from, floorTo(whole, columnSamples));
    const isWithin = (start: number) => start >= this.#from && start < to;
    const blocks = this.#blocks.filter(({ endSample }) => isWithin(endSample - this.#blockSamples));
    const bounds = { fromSample: this.#from, toSample: to };
    if (this.#options.binCount === 0)
      return { ...bounds, runs: [], blocks: [], seconds: this.#joinSeconds(blocks, to) };
    const columns = this.#columns.filter(({ start }) => isWithin(start));
    return { ...bounds, runs: joinColumns(columns, columnSamples, maxRunLength), blocks };
  }

  #joinSeconds(blocks: readonly LevelBlock[], toSample: number): readonly (LevelBlock | null)[] {
    const { fromSample, format } = this.#options;
    const length = Math.max(0, Math.ceil((toSample - fromSample) / format.sampleRateHz));
    const seconds = new Array<LevelBlock | null>(length).fill(null);
    for (const block of blocks) {
      // The first one may begin a little before what was asked for.
      const start = Math.max(0, block.endSample - this.#blockSamples - fromSample);
      const second = Math.floor(start / format.sampleRateHz);
      const before = seconds[second] ?? null;
      seconds[second] = before === null ? block : mergeBlocks(before, block);
    }
    return seconds;
  }
}

function floorTo(sample: number, grid: number): number {
  return Math.floor(sample / grid) * grid;
}
