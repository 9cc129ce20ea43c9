import { flagBits } from "../api/live-frames.ts";
import type { Gap } from "../archive/gap-names.ts";

/** Columns that a tile holds. */
export const tileColumnCount = 512;

/** Columns of a tile that follow each other. */
export interface ColumnSpan {
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
}

/** Level of a peak within 0..1 of what a picture shows: between amplitude, in which quiet sound is not seen, and dB. */
export function shareOfPeak(amplitude: number): number {
  return Math.min(1, Math.max(0, amplitude) ** (20 / 36));
}

/** Spectrum and level of a stretch of time: what came live, and what the archive has of it. */
export class PictureTile {
  readonly index: number;
  /** Spectrum levels column by column; 0: not known. */
  readonly known: Uint8Array;
  /** Heights of the envelope, 255 at most; 0: not known. */
  readonly levels = new Uint8Array(tileColumnCount);
  /** Flags of the levels. */
  readonly marks = new Uint8Array(tileColumnCount);
  /** What is missing in it, as far as the archive knows. */
  gaps: readonly Gap[] = [];
  readonly #binCount: number;
  /** 1: it was asked whether there is something that no archive has yet. */
  readonly #asked = new Uint8Array(tileColumnCount);
  #image: OffscreenCanvas | undefined;
  #colours: Uint32Array | undefined;

  constructor(index: number, binCount: number) {
    this.index = index;
    this.#binCount = binCount;
    this.known = new Uint8Array(tileColumnCount * binCount);
  }

  /** Whether nothing is missing in its first columns. */
  isFull(columnCount: number): boolean {
    for (let column = 0; column < Math.min(columnCount, tileColumnCount); column += 1) {
      if (!this.#isWhole(column)) return false;
    }
    return true;
  }

  /** Whether the spectrum of a column is known. */
  isKnown(column: number): boolean {
    return this.known[column * this.#binCount] !== 0;
  }

  /** A column as it came live. @param column - within the tile */
  setSpectrum(column: number, levels: Uint8Array): void {
    this.known.set(levels, column * this.#binCount);
    this.#paintColumn(column);
  }

  /** @param share - height of the envelope, 0..1 */
  setLevel(column: number, share: number, flags: number): void {
    this.levels[column] = Math.max(1, Math.round(255 * Math.min(1, share)));
    this.marks[column] = flags;
  }

  /** A column as it would have come live, where nothing is known. */
  fillSpectrum(column: number, levels: Uint8Array): void {
    if (!this.isKnown(column)) this.setSpectrum(column, levels);
  }

  /** The same of a level. */
  fillLevel(column: number, share: number, flags: number): void {
    if (this.levels[column] === 0) this.setLevel(column, share, flags);
  }

  /** From the first to the last column of which spectrum or level is neither known nor was asked for; `undefined`: there is none. */
  findMissing(from: number, to: number): ColumnSpan | undefined {
    let first: number | undefined;
    let last = 0;
    for (let column = Math.max(0, from); column < Math.min(tileColumnCount, to); column += 1) {
      if (this.#asked[column] === 1 || this.#isWhole(column)) continue;
      first ??= column;
      last = column;
    }
    return first === undefined ? undefined : { from: first, to: last + 1 };
  }

  /** What of these columns is not known now need not be asked for again. */
  noteAsked(from: number, to: number): void {
    this.#asked.fill(1, Math.max(0, from), Math.max(0, to));
  }

  /** Whether all of these columns were asked for, or came. */
  wasAsked({ from, to }: ColumnSpan): boolean {
    return this.findMissing(from, to) === undefined;
  }

  /**
   * Takes what the archive has, where nothing came live.
   *
   * @param spectrum - levels column by column; 0: nothing recorded
   * @param peaks - of each channel the smallest and largest sample of each column; `null`: not recorded
   */
  fill(spectrum: Uint8Array, peaks: readonly (readonly (number | null)[])[]): void {
    const columnCount = Math.min(tileColumnCount, Math.floor(spectrum.length / this.#binCount));
    for (let column = 0; column < columnCount; column += 1) {
      const levels = spectrum.subarray(column * this.#binCount, (column + 1) * this.#binCount);
      if (!this.isKnown(column)) this.known.set(levels, column * this.#binCount);
      if (this.levels[column] !== 0 || !peaks.some((one) => peakOf(one, column) >= 0)) continue;
      // What comes live is measured ten times a second, columns are drawn twenty times.
      const both = [column - (column % 2), column - (column % 2) + 1];
      const highest = Math.max(...peaks.flatMap((one) => both.map((each) => peakOf(one, each))));
      const isClipped = peaks.some((one) => both.some((each) => isFullScale(one, each)));
      this.setLevel(column, shareOfPeak(highest), isClipped ? flagBits.clipped : 0);
    }
    this.#colours = undefined;
  }

  /** The spectrum, highest frequency on top, transparent where it is not known. */
  image(colours: Uint32Array): OffscreenCanvas {
    this.#image ??= new OffscreenCanvas(tileColumnCount, this.#binCount);
    if (this.#colours !== colours) {
      this.#colours = colours;
      this.#paint(0, tileColumnCount);
    }
    return this.#image;
  }

  #isWhole(column: number): boolean {
    return this.isKnown(column) && this.levels[column] !== 0;
  }

  #paintColumn(column: number): void {
    if (this.#colours !== undefined) this.#paint(column, 1);
  }

  #paint(first: number, count: number): void {
    const image = new ImageData(count, this.#binCount);
    const pixels = new Uint32Array(image.data.buffer);
    for (let column = 0; column < count; column += 1) {
      for (let bin = 0; bin < this.#binCount; bin += 1) {
        const level = this.known[(first + column) * this.#binCount + bin] ?? 0;
        pixels[(this.#binCount - 1 - bin) * count + column] = this.#colours?.[level] ?? 0;
      }
    }
    this.#image?.getContext("2d")?.putImageData(image, first, 0);
  }
}

/** Amplitude of a column, 0..1; -1: not recorded. */
function peakOf(peaks: readonly (number | null)[], column: number): number {
  const [low, high] = [peaks[column * 2] ?? null, peaks[column * 2 + 1] ?? null];
  return low === null || high === null ? -1 : Math.max(-low, high, 0) / 32_768;
}

/** As what comes live is judged: a sample at either end of the scale. */
function isFullScale(peaks: readonly (number | null)[], column: number): boolean {
  return peaks[column * 2] === -32_768 || peaks[column * 2 + 1] === 32_767;
}
