/** Levels of about 100 ms. All arrays have one value per channel. */
export interface LevelBlock {
  /** Samples per channel from the session's start to the end of the block. */
  readonly endSample: number;
  /** Largest magnitude, 0 to 32768. */
  readonly peaks: readonly number[];
  /** Mean of the squares. */
  readonly powers: readonly number[];
  /** Values at either end of the 16-bit range, over all channels. */
  readonly clippedCount: number;
  /** Frames were missing in it or in front of it. */
  readonly isAfterGap: boolean;
  /** Frames that came were not looked at, in it or in front of it. */
  readonly isAfterSkip: boolean;
}

/** Why samples do not follow those before them. */
export interface Break {
  readonly isGap: boolean;
  readonly isSkip: boolean;
}

const blocksPerSecond = 10;

/** Measures levels in blocks of 100 ms of a session's time line. */
export class LevelBlocks {
  /** Samples per channel of a block. */
  readonly blockSamples: number;
  readonly #channels: number;
  readonly #onBlock: (block: LevelBlock) => void;
  readonly #peaks: Float64Array;
  readonly #sums: Float64Array;
  /** First sample of the block that is being measured. */
  #start = -1;
  #count = 0;
  #clippedCount = 0;
  #break: Break = { isGap: false, isSkip: false };
  /** Blocks that start before it are left out. */
  #firstStart = 0;

  constructor(
    format: { readonly sampleRateHz: number; readonly channels: number },
    onBlock: (block: LevelBlock) => void,
  ) {
    this.#channels = format.channels;
    this.blockSamples = Math.round(format.sampleRateHz / blocksPerSecond);
    this.#onBlock = onBlock;
    this.#peaks = new Float64Array(format.channels);
    this.#sums = new Float64Array(format.channels);
  }

  /** Says where what is pushed begins: a block of which not all is seen is left out. */
  begin(at: number): void {
    this.#firstStart = Math.ceil(at / this.blockSamples) * this.blockSamples;
  }

  /** The coming samples do not follow those before. */
  noteBreak({ isGap, isSkip }: Break): void {
    this.#break = { isGap: isGap || this.#break.isGap, isSkip: isSkip || this.#break.isSkip };
  }

  /** Takes interleaved samples. @param at - samples per channel from the session's start to the first */
  push(samples: Int16Array, at: number): void {
    const channels = this.#channels;
    const sampleCount = samples.length / channels;
    for (let from = 0; from < sampleCount; ) {
      const offset = (at + from) % this.blockSamples;
      const start = at + from - offset;
      if (start !== this.#start) this.#begin(start);
      const count = Math.min(sampleCount - from, this.blockSamples - offset);
      for (let channel = 0; channel < channels; channel += 1) {
        this.#measure(samples, channel, from * channels + channel, (from + count) * channels);
      }
      this.#count += count;
      from += count;
      if (offset + count === this.blockSamples) this.#close();
    }
  }

  #begin(start: number): void {
    if (this.#count > 0) this.#close();
    this.#start = start;
  }

  #measure(samples: Int16Array, channel: number, from: number, to: number): void {
    const stride = this.#channels;
    let peak = this.#peaks[channel] ?? 0;
    let sum = 0;
    let clippedCount = 0;
    for (let position = from; position < to; position += stride) {
      const sample = samples[position] as number;
      const magnitude = sample < 0 ? -sample : sample;
      if (magnitude > peak) peak = magnitude;
      if (magnitude >= 32767 && sample !== -32767) clippedCount += 1;
      sum += sample * sample;
    }
    this.#peaks[channel] = peak;
    this.#sums[channel] = (this.#sums[channel] ?? 0) + sum;
    this.#clippedCount += clippedCount;
  }

  #close(): void {
    const { isGap, isSkip } = this.#break;
    const count = this.#count;
    if (this.#start >= this.#firstStart)
      this.#onBlock({
        endSample: this.#start + this.blockSamples,
        peaks: [...this.#peaks],
        powers: [...this.#sums].map((sum) => sum / count),
        clippedCount: this.#clippedCount,
        isAfterGap: isGap,
        isAfterSkip: isSkip,
      });
    this.#peaks.fill(0);
    this.#sums.fill(0);
    this.#count = 0;
    this.#clippedCount = 0;
    this.#start = -1;
    this.#break = { isGap: false, isSkip: false };
  }
}

/** Two neighbouring blocks as one. */
export function mergeBlocks(first: LevelBlock, second: LevelBlock): LevelBlock {
  return {
    endSample: second.endSample,
    peaks: second.peaks.map((peak, channel) => Math.max(peak, first.peaks[channel] ?? 0)),
    powers: second.powers.map((power, channel) => (power + (first.powers[channel] ?? power)) / 2),
    clippedCount: first.clippedCount + second.clippedCount,
    isAfterGap: first.isAfterGap || second.isAfterGap,
    isAfterSkip: first.isAfterSkip || second.isAfterSkip,
  };
}
