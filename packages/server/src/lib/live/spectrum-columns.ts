import { levelOfPower, PowerSpectrum, spectrumStarts } from "@eet/audio";

const columnsPerSecond = 20;

/** @param start - first sample of the column @param levels - one per bin, the receiver's own */
export type ColumnListener = (start: number, levels: Uint8Array) => void;

/**
 * Measures a column of frequencies for each 20th of a second of a session's time line, on the scale of the archive's
 * overviews: mean power of the channels, half a dB a step.
 */
export class SpectrumColumns {
  /** Samples per channel of a column. */
  readonly columnSamples: number;
  readonly #channels: number;
  readonly #onColumn: ColumnListener;
  readonly #spectrum: PowerSpectrum;
  readonly #powers: Float64Array;
  /** Samples in front of a column that a spectrum longer than it looks back at. */
  readonly historySamples: number;
  /** History, then the column; interleaved. */
  readonly #values: Int16Array;
  /** First sample of the column that is being gathered, or was last. */
  #start = Number.NaN;
  #isOpen = false;
  /** Columns that start before it are left out. */
  #firstStart = 0;

  constructor(
    format: { readonly sampleRateHz: number; readonly channels: number },
    binCount: number,
    onColumn: ColumnListener,
  ) {
    const { sampleRateHz, channels } = format;
    this.columnSamples = Math.round(sampleRateHz / columnsPerSecond);
    this.#channels = channels;
    this.#onColumn = onColumn;
    this.#spectrum = new PowerSpectrum(binCount * 2);
    this.#powers = new Float64Array(binCount);
    this.historySamples = Math.max(0, this.#spectrum.size - this.columnSamples);
    this.#values = new Int16Array((this.historySamples + this.columnSamples) * channels);
  }

  /**
   * Says where what is pushed begins, or goes on: columns of which not all is seen, with what they look back at, are left
   * out.
   *
   * @returns where the first one starts that is given
   */
  begin(at: number): number {
    this.#isOpen = false;
    this.#start = Number.NaN;
    // In front of the session's start there is nothing to see.
    this.#firstStart = at === 0 ? 0 : Math.ceil((at + this.historySamples) / this.columnSamples) * this.columnSamples;
    return this.#firstStart;
  }

  /** Takes interleaved samples. @param at - samples per channel from the session's start to the first */
  push(samples: Int16Array, at: number): void {
    const channels = this.#channels;
    const sampleCount = samples.length / channels;
    for (let from = 0; from < sampleCount; ) {
      const offset = (at + from) % this.columnSamples;
      const start = at + from - offset;
      if (start !== this.#start) this.#begin(start);
      const count = Math.min(sampleCount - from, this.columnSamples - offset);
      const piece = samples.subarray(from * channels, (from + count) * channels);
      this.#values.set(piece, (this.historySamples + offset) * channels);
      from += count;
      if (offset + count === this.columnSamples) this.#close();
    }
  }

  #begin(start: number): void {
    if (this.#isOpen) this.#close();
    const historyLength = this.historySamples * this.#channels;
    if (start === this.#start + this.columnSamples) this.#values.copyWithin(0, this.#values.length - historyLength);
    else this.#values.fill(0, 0, historyLength);
    this.#values.fill(0, historyLength);
    this.#start = start;
    this.#isOpen = true;
  }

  #close(): void {
    this.#isOpen = false;
    if (this.#start < this.#firstStart) return;
    const { size } = this.#spectrum;
    const channels = this.#channels;
    // As many as the archive takes, so that what is live looks no other. A column shorter than one has its end at its own.
    const offsets = this.historySamples > 0 ? [0] : spectrumStarts(0, this.columnSamples, size);
    this.#powers.fill(0);
    for (const offset of offsets) {
      for (let channel = 0; channel < channels; channel += 1) {
        this.#spectrum.add(this.#values, offset * channels + channel, channels, this.#powers);
      }
    }
    const scale = 1 / (offsets.length * channels);
    this.#onColumn(
      this.#start,
      Uint8Array.from(this.#powers, (power) => levelOfPower(power * scale)),
    );
  }
}
