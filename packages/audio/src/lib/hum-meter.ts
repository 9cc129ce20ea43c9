import { PowerSpectrum } from "./power-spectrum.ts";

/** Rate to which the first channel is brought: 10 harmonics of 60 Hz fit in with room to spare. */
const analysisRateHz = 2000;
/** About a second: tells frequencies apart that lie 2 Hz from each other. */
const windowLength = 2048;
/** Every so many windows one is looked at. */
const windowStride = 8;
const mainsHz = [50, 60] as const;
const harmonicCount = 10;
/** Half of the width of what counts as a harmonic: the window's own, and what the mains may be off by. */
const harmonicHalfWidthHz = 2;
const mainsToleranceHz = 0.2;
/** A Hann window spreads a tone so that the bins around it add up to this. */
const hannSpread = 1.5;
const fullScale = 32768;

/** Its tables take longer to make than a segment to measure; between two calls it holds nothing. */
const spectrum = new PowerSpectrum(windowLength);

/** Of the rate that was measured last, which is that of a whole fleet as a rule: making them costs a tenth of what measuring a second does. */
let latestWeights: { readonly sampleRateHz: number; readonly weights: readonly HumWeights[] } | undefined;

/** What the power of some bins adds to the mean square of the hum, full scale 1. */
interface HumWeights {
  readonly bins: Uint16Array;
  readonly weights: Float64Array;
}

/**
 * Measures how much of the power of the first channel is hum of the mains: at 50 or 60 Hz and their harmonics. Looks at
 * one second of every eight.
 */
export class HumMeter {
  readonly #channels: number;
  /** Samples that are averaged to one. */
  readonly #reduction: number;
  readonly #windowSampleCount: number;
  readonly #reduced = new Int16Array(windowLength);
  readonly #powers = new Float64Array(windowLength / 2);
  readonly #weights: readonly HumWeights[];
  /** In the window, or in the wait for the next one. */
  #position = 0;
  #partial = 0;
  #sum = 0;
  #sumOfSquares = 0;
  readonly #humPowers = mainsHz.map(() => 0);
  #totalPower = 0;
  #windowCount = 0;

  constructor({ sampleRateHz, channels }: { readonly sampleRateHz: number; readonly channels: number }) {
    this.#channels = channels;
    this.#reduction = Math.max(1, Math.floor(sampleRateHz / analysisRateHz));
    this.#windowSampleCount = windowLength * this.#reduction;
    this.#weights = weightsAt(sampleRateHz, this.#reduction);
  }

  /** Takes interleaved samples; pieces end at whole samples of all channels. */
  push(samples: Int16Array): void {
    const count = samples.length / this.#channels;
    for (let at = 0; at < count; ) {
      const left = this.#windowSampleCount * windowStride - this.#position;
      const step = Math.min(count - at, this.#isInWindow ? this.#windowSampleCount - this.#position : left);
      if (this.#isInWindow) this.#take(samples, at, at + step);
      this.#position += step;
      at += step;
      if (this.#position === this.#windowSampleCount) this.#closeWindow();
      if (this.#position === this.#windowSampleCount * windowStride) this.#position = 0;
    }
  }

  /** Something is missing here: a window must not reach over it. */
  skip(): void {
    if (this.#isInWindow) this.#startWindow();
  }

  /** 0 to 1, four decimals; `null` when there was less than about a second without a gap. */
  get share(): number | null {
    if (this.#windowCount === 0) return null;
    if (this.#totalPower <= 0) return 0;
    return Math.round(Math.min(1, Math.max(...this.#humPowers) / this.#totalPower) * 1e4) / 1e4;
  }

  get #isInWindow(): boolean {
    return this.#position < this.#windowSampleCount;
  }

  #take(samples: Int16Array, from: number, to: number): void {
    const channels = this.#channels;
    const reduction = this.#reduction;
    let partial = this.#partial;
    let sum = this.#sum;
    let sumOfSquares = this.#sumOfSquares;
    let left = reduction - (this.#position % reduction);
    let reducedAt = Math.floor(this.#position / reduction);
    for (let at = from; at < to; at += 1) {
      const sample = samples[at * channels] as number;
      partial += sample;
      sum += sample;
      sumOfSquares += sample * sample;
      left -= 1;
      if (left > 0) continue;
      this.#reduced[reducedAt] = Math.round(partial / reduction);
      reducedAt += 1;
      left = reduction;
      partial = 0;
    }
    this.#partial = partial;
    this.#sum = sum;
    this.#sumOfSquares = sumOfSquares;
  }

  #closeWindow(): void {
    spectrum.add(this.#reduced, 0, 1, this.#powers);
    for (const [index, weights] of this.#weights.entries())
      this.#humPowers[index] = (this.#humPowers[index] ?? 0) + humPower(weights, this.#powers);
    const count = this.#windowSampleCount;
    this.#totalPower += Math.max(0, this.#sumOfSquares / count - (this.#sum / count) ** 2) / fullScale ** 2;
    this.#windowCount += 1;
    this.#powers.fill(0);
    this.#clear();
  }

  #startWindow(): void {
    this.#position = 0;
    this.#clear();
  }

  #clear(): void {
    this.#partial = 0;
    this.#sum = 0;
    this.#sumOfSquares = 0;
  }
}

function humPower({ bins, weights }: HumWeights, powers: Float64Array): number {
  let power = 0;
  for (let at = 0; at < bins.length; at += 1) power += (weights[at] ?? 0) * (powers[bins[at] ?? 0] ?? 0);
  return power;
}

function weightsAt(sampleRateHz: number, reduction: number): readonly HumWeights[] {
  if (latestWeights?.sampleRateHz !== sampleRateHz) {
    const weights = mainsHz.map((frequencyHz) => weightsOf(frequencyHz, sampleRateHz, reduction));
    latestWeights = { sampleRateHz, weights };
  }
  return latestWeights.weights;
}

function weightsOf(frequencyHz: number, sampleRateHz: number, reduction: number): HumWeights {
  const binHz = sampleRateHz / reduction / windowLength;
  const bins: number[] = [];
  for (let harmonic = 1; harmonic <= harmonicCount; harmonic += 1) {
    const halfWidthHz = harmonicHalfWidthHz + mainsToleranceHz * harmonic;
    const lastBin = Math.floor((harmonic * frequencyHz + halfWidthHz) / binHz);
    for (let bin = Math.ceil((harmonic * frequencyHz - halfWidthHz) / binHz); bin <= lastBin; bin += 1) bins.push(bin);
  }
  // A full-scale sine has the power 1 in a bin and a mean square of a half.
  const weights = bins.map((bin) => 0.5 / hannSpread / averagingGain((bin * binHz) / sampleRateHz, reduction) ** 2);
  return { bins: Uint16Array.from(bins), weights: Float64Array.from(weights) };
}

/** How much of a tone is left after averaging. @param frequency - as a share of the sample rate */
function averagingGain(frequency: number, reduction: number): number {
  if (frequency === 0) return 1;
  return Math.sin(Math.PI * frequency * reduction) / (reduction * Math.sin(Math.PI * frequency));
}
