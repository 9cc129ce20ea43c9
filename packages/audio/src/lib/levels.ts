/** What {@link LevelMeter} measured. All numbers are finite and rounded, so that they are the same on every machine. */
export interface Levels {
  /** Largest magnitude in dB relative to full scale (32768), two decimals; never below -120. */
  readonly peakDbfs: number;
  /** Root mean square in dB relative to full scale, two decimals; a full-scale sine is -3.01; never below -120. */
  readonly rmsDbfs: number;
  /** Samples at either end of the 16-bit range, over all channels. */
  readonly clippedSampleCount: number;
  /** Share of the time, 0 to 1, in 20 ms blocks whose peak in every channel is below -60 dBFS; 1 without samples. */
  readonly silentShare: number;
  /** Mean of all samples as a share of full scale, -1 to 1. */
  readonly dcOffset: number;
}

const fullScale = 32768;
const floorDbfs = -120;
const silenceThreshold = fullScale * 10 ** (-60 / 20);
const blocksPerSecond = 50;

/** Measures how loud, how clipped and how silent audio is, while it passes. */
export class LevelMeter {
  readonly #blockLength: number;
  #blockPosition = 0;
  #blockPeak = 0;
  #peak = 0;
  #count = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #clippedSampleCount = 0;
  #silentCount = 0;

  constructor({ sampleRateHz, channels }: { readonly sampleRateHz: number; readonly channels: number }) {
    this.#blockLength = Math.ceil(sampleRateHz / blocksPerSecond) * channels;
  }

  /** Takes interleaved samples; pieces may end anywhere. */
  push(samples: Int16Array): void {
    for (let from = 0; from < samples.length; ) {
      const to = Math.min(samples.length, from + this.#blockLength - this.#blockPosition);
      this.#measure(samples, from, to);
      this.#blockPosition += to - from;
      if (this.#blockPosition === this.#blockLength) this.#closeBlock();
      from = to;
    }
    this.#count += samples.length;
  }

  /** One block or a piece of it, two values at a time: their squares still fit into 32 bits, which spares conversions. */
  #measure(samples: Int16Array, from: number, to: number): void {
    let peak = this.#blockPeak;
    let sum = 0;
    let sumOfSquares = 0;
    const last = to - 1;
    for (let position = from; position < last; position += 2) {
      const first = samples[position] as number;
      const second = samples[position + 1] as number;
      const firstMagnitude = Math.abs(first);
      const secondMagnitude = Math.abs(second);
      if (firstMagnitude > peak) peak = firstMagnitude;
      if (secondMagnitude > peak) peak = secondMagnitude;
      sum += first + second;
      sumOfSquares += (Math.imul(first, first) + Math.imul(second, second)) >>> 0;
    }
    if ((to - from) % 2 === 1) {
      const sample = samples[last] as number;
      peak = Math.max(peak, Math.abs(sample));
      sum += sample;
      sumOfSquares += sample * sample;
    }
    this.#blockPeak = peak;
    this.#sum += sum;
    this.#sumOfSquares += sumOfSquares;
    if (peak >= fullScale - 1) this.#clippedSampleCount += countClipped(samples, from, to);
  }

  /** The levels of everything pushed so far; a started block counts with the length it has. */
  levels(): Levels {
    const openSilentCount = this.#blockPeak < silenceThreshold ? this.#blockPosition : 0;
    const count = Math.max(this.#count, 1);
    return {
      peakDbfs: toDbfs(Math.max(this.#peak, this.#blockPeak)),
      rmsDbfs: toDbfs(Math.sqrt(this.#sumOfSquares / count)),
      clippedSampleCount: this.#clippedSampleCount,
      silentShare: this.#count === 0 ? 1 : round((this.#silentCount + openSilentCount) / this.#count, 4),
      dcOffset: round(this.#sum / count / fullScale, 6),
    };
  }

  #closeBlock(): void {
    if (this.#blockPeak < silenceThreshold) this.#silentCount += this.#blockLength;
    this.#peak = Math.max(this.#peak, this.#blockPeak);
    this.#blockPeak = 0;
    this.#blockPosition = 0;
  }
}

function countClipped(samples: Int16Array, from: number, to: number): number {
  let count = 0;
  for (let position = from; position < to; position += 1) {
    const sample = samples[position] as number;
    if (sample === fullScale - 1 || sample === -fullScale) count += 1;
  }
  return count;
}

function toDbfs(magnitude: number): number {
  return Math.max(floorDbfs, round(20 * Math.log10(magnitude / fullScale), 2));
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  // Adding 0 turns -0 into 0, which JSON could not tell apart.
  return Math.round(value * scale) / scale + 0;
}
