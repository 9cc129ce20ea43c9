import { levelOfPower, PowerSpectrum } from "./power-spectrum.ts";

/** Samples that one spectrum looks at. */
const spectrumSize = 256;
/** Spectra that are averaged for one column. */
const spectraPerColumn = 2;
const peaksPerSecond = 100;
const peaksPerColumn = 20;
const [s16Min, s16Max] = [-32768, 32767];

/** Frequencies in a column of an {@link Overview}. */
export const overviewBinCount: number = spectrumSize / 2;

/** How an overview divides time. All counts are samples per channel. */
export interface OverviewGrid {
  readonly channels: number;
  /** Samples that one pair of peaks stands for: 10 ms. */
  readonly peakSamples: number;
  /** Samples that one column of the spectrum stands for: 20 times as many. */
  readonly columnSamples: number;
}

/** What a stretch of audio looks like from afar. */
export interface Overview extends OverviewGrid {
  readonly sampleCount: number;
  /** `min, max` of each channel, for each {@link OverviewGrid.peakSamples} in turn; `min > max` where nothing was recorded. */
  readonly peaks: Int16Array;
  /** {@link overviewBinCount} levels per column, lowest frequency first, mean power of the channels; all 0 where nothing was recorded. */
  readonly columns: Uint8Array;
}

/** The division of time for a format. */
export function overviewGrid(sampleRateHz: number, channels: number): OverviewGrid {
  const peakSamples = Math.max(1, Math.round(sampleRateHz / peaksPerSecond));
  return { channels, peakSamples, columnSamples: peakSamples * peaksPerColumn };
}

/** Holds nothing between two calls. */
const spectrum = new PowerSpectrum(spectrumSize);

/** Measures an {@link Overview} of audio that passes. */
export class OverviewMeter {
  readonly #grid: OverviewGrid;
  /** Values of all channels that a pair of peaks stands for. */
  readonly #valuesPerPeak: number;
  readonly #powers = new Float64Array(overviewBinCount);
  /** The column that is being gathered, interleaved. */
  readonly #column: Int16Array;
  #columnLength = 0;
  /** Where in the column samples stand, rather than what was skipped. */
  #hasAudio = false;
  /** Columns that are complete. */
  #columnCount = 0;
  /** Of whole columns, the one that is being gathered included; where nothing was noted, the smallest is above the largest. */
  #peaks: Int16Array;
  #columns: Uint8Array;

  /** @param expectedSampleCount - per channel, so that nothing has to grow; more or fewer may come */
  constructor(grid: OverviewGrid, expectedSampleCount = 0) {
    const columnCount = Math.floor(expectedSampleCount / grid.columnSamples) + 1;
    this.#grid = grid;
    this.#valuesPerPeak = grid.peakSamples * grid.channels;
    this.#column = new Int16Array(grid.columnSamples * grid.channels);
    this.#peaks = withoutPeaks(columnCount * peaksPerColumn * grid.channels);
    this.#columns = new Uint8Array(columnCount * overviewBinCount);
  }

  /** Takes whole interleaved samples; pieces may end anywhere. */
  push(samples: Int16Array): void {
    for (let from = 0; from < samples.length; ) {
      const to = Math.min(samples.length, from + this.#column.length - this.#columnLength);
      this.#notePeaks(samples, from, to);
      this.#column.set(samples.subarray(from, to), this.#columnLength);
      this.#hasAudio = true;
      this.#advance(to - from);
      from = to;
    }
  }

  /** Time passes in which nothing was recorded. @param sampleCount - per channel */
  skip(sampleCount: number): void {
    for (let left = sampleCount * this.#grid.channels; left > 0; ) {
      const count = Math.min(left, this.#column.length - this.#columnLength);
      this.#column.fill(0, this.#columnLength, this.#columnLength + count);
      this.#advance(count);
      left -= count;
    }
  }

  /** The overview of all that came. */
  finish(): Overview {
    const { channels, peakSamples, columnSamples } = this.#grid;
    const sampleCount = this.#columnCount * columnSamples + this.#columnLength / channels;
    if (this.#columnLength > 0) this.#closeColumn();
    return {
      ...this.#grid,
      sampleCount,
      peaks: this.#peaks.subarray(0, Math.ceil(sampleCount / peakSamples) * channels * 2),
      columns: this.#columns.subarray(0, this.#columnCount * overviewBinCount),
    };
  }

  #advance(valueCount: number): void {
    this.#columnLength += valueCount;
    if (this.#columnLength === this.#column.length) this.#closeColumn();
  }

  /** Of values that lie in the present column. */
  #notePeaks(samples: Int16Array, from: number, to: number): void {
    const perPeak = this.#valuesPerPeak;
    let pair = this.#columnCount * peaksPerColumn + Math.floor(this.#columnLength / perPeak);
    let end = from + perPeak - (this.#columnLength % perPeak);
    for (let start = from; start < to; ) {
      this.#notePair(pair, samples, start, Math.min(end, to));
      pair += 1;
      start = end;
      end += perPeak;
    }
  }

  #notePair(pair: number, samples: Int16Array, from: number, to: number): void {
    const { channels } = this.#grid;
    for (let channel = 0; channel < channels; channel += 1) {
      const at = (pair * channels + channel) * 2;
      let min = this.#peaks[at] as number;
      let max = this.#peaks[at + 1] as number;
      for (let position = from + channel; position < to; position += channels) {
        const sample = samples[position] as number;
        if (sample < min) min = sample;
        if (sample > max) max = sample;
      }
      this.#peaks[at] = min;
      this.#peaks[at + 1] = max;
    }
  }

  #closeColumn(): void {
    const at = this.#columnCount * overviewBinCount;
    if (this.#hasAudio) this.#measureColumn(this.#columns.subarray(at, at + overviewBinCount));
    this.#columnLength = 0;
    this.#hasAudio = false;
    this.#columnCount += 1;
    if (at + overviewBinCount === this.#columns.length) this.#grow();
  }

  /** To twice as many columns. */
  #grow(): void {
    const peaks = withoutPeaks(this.#peaks.length);
    peaks.set(this.#peaks);
    this.#peaks = peaks;
    const columns = new Uint8Array(this.#columns.length * 2);
    columns.set(this.#columns);
    this.#columns = columns;
  }

  #measureColumn(levels: Uint8Array): void {
    const { channels } = this.#grid;
    const samples = this.#column.subarray(0, this.#columnLength);
    const lastStart = Math.max(0, this.#columnLength / channels - spectrumSize);
    const spectrumCount = lastStart === 0 ? 1 : spectraPerColumn;
    this.#powers.fill(0);
    for (let index = 0; index < spectrumCount; index += 1) {
      const start = Math.floor((lastStart * index) / Math.max(1, spectrumCount - 1));
      for (let channel = 0; channel < channels; channel += 1) {
        spectrum.add(samples, start * channels + channel, channels, this.#powers);
      }
    }
    const scale = 1 / (spectrumCount * channels);
    for (let bin = 0; bin < levels.length; bin += 1) levels[bin] = levelOfPower((this.#powers[bin] as number) * scale);
  }
}

/** So many pairs of peaks of which nothing is known yet. */
function withoutPeaks(pairCount: number): Int16Array {
  const peaks = new Int16Array(pairCount * 2);
  for (let at = 0; at < peaks.length; at += 2) {
    peaks[at] = s16Max;
    peaks[at + 1] = s16Min;
  }
  return peaks;
}
