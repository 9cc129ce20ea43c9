import { levelOfPower, PowerSpectrum } from "./power-spectrum.ts";

/** Audio in memory that is to be drawn. */
export interface DrawnAudio {
  /** Interleaved; zeros where nothing was recorded. */
  readonly samples: Int16Array;
  readonly channels: number;
  /** Stretches `[from, to)` in which nothing was recorded, samples per channel, in order, without overlap. */
  readonly missing: readonly (readonly [number, number])[];
}

/** Spectra that are averaged for one column at most. */
const maxSpectraPerColumn = 4;
const [minSpectrumSize, maxSpectrumSize] = [256, 2048];

/** Bounds of a column in samples per channel; each column holds at least one sample. */
export function columnBounds(column: number, width: number, sampleCount: number): readonly [number, number] {
  const from = Math.floor((column * sampleCount) / width);
  return [from, Math.max(from + 1, Math.floor(((column + 1) * sampleCount) / width))];
}

/**
 * Smallest and largest sample of each column.
 *
 * @returns for each channel `min, max` of each column; `min > max` where nothing was recorded
 */
export function drawPeaks(audio: DrawnAudio, width: number): readonly Int16Array[] {
  const { samples, channels } = audio;
  const sampleCount = samples.length / channels;
  const peaks = Array.from({ length: channels }, () => new Int16Array(width * 2));
  const parts = new PresentParts(audio.missing);
  for (let column = 0; column < width; column += 1) {
    const [from, to] = columnBounds(column, width, sampleCount);
    const present = parts.within(from, to);
    peaks.forEach((pairs, channel) => {
      let [min, max] = [32767, -32768];
      for (const [partFrom, partTo] of present) {
        for (let at = partFrom * channels + channel; at < partTo * channels; at += channels) {
          const sample = samples[at] as number;
          if (sample < min) min = sample;
          if (sample > max) max = sample;
        }
      }
      pairs[column * 2] = min;
      pairs[column * 2 + 1] = max;
    });
  }
  return peaks;
}

/** Length of the transform that gives `height` rows of their own. */
export function spectrumSizeFor(height: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(height * 2));
  return Math.min(Math.max(wanted, minSpectrumSize), maxSpectrumSize);
}

/**
 * Levels of each column, lowest frequency first, mean power of the channels.
 *
 * @param binCount - rows: a power of two from 128 to 1024
 * @returns `width * binCount` levels, column by column; 0 where nothing was recorded
 */
export function drawSpectrogram(audio: DrawnAudio, width: number, binCount: number): Uint8Array {
  const { samples, channels } = audio;
  const sampleCount = samples.length / channels;
  const size = binCount * 2;
  const spectrum = new PowerSpectrum(size);
  const levels = new Uint8Array(width * binCount);
  const powers = new Float64Array(binCount);
  const parts = new PresentParts(audio.missing);
  for (let column = 0; column < width; column += 1) {
    const [from, to] = columnBounds(column, width, sampleCount);
    if (parts.within(from, to).length === 0) continue;
    const starts = spectrumStarts(from, to, size, sampleCount);
    powers.fill(0);
    for (const start of starts) {
      for (let channel = 0; channel < channels; channel += 1) {
        spectrum.add(samples, start * channels + channel, channels, powers);
      }
    }
    const scale = 1 / (starts.length * channels);
    for (let bin = 0; bin < binCount; bin += 1) {
      levels[column * binCount + bin] = levelOfPower((powers[bin] as number) * scale);
    }
  }
  return levels;
}

/**
 * Where the transforms of a column begin: spread over it, or around its middle where it is shorter than one.
 *
 * @param from - first sample of the column @param to - behind its last @param size - samples of a transform
 * @param sampleCount - samples that there are; default: no end
 */
export function spectrumStarts(from: number, to: number, size: number, sampleCount = Infinity): readonly number[] {
  const last = Math.max(0, sampleCount - size);
  const room = to - from - size;
  if (room <= 0) return [Math.min(Math.max(0, Math.round((from + to - size) / 2)), last)];
  const count = Math.min(maxSpectraPerColumn, 1 + Math.ceil(room / size));
  return Array.from({ length: count }, (_, index) => from + Math.floor((room * index) / (count - 1)));
}

/** What of ascending stretches is not missing. */
class PresentParts {
  readonly #missing: DrawnAudio["missing"];
  #next = 0;

  constructor(missing: DrawnAudio["missing"]) {
    this.#missing = missing;
  }

  /** Asked in ascending order of `from`. */
  within(from: number, to: number): readonly (readonly [number, number])[] {
    while ((this.#missing[this.#next]?.[1] ?? Number.POSITIVE_INFINITY) <= from) this.#next += 1;
    const parts: (readonly [number, number])[] = [];
    let at = from;
    for (let index = this.#next; at < to; index += 1) {
      const [missingFrom, missingTo] = this.#missing[index] ?? [to, to];
      if (missingFrom > at) parts.push([at, Math.min(missingFrom, to)]);
      at = Math.max(at, missingTo);
    }
    return parts;
  }
}
