import type { CloseReason, RecordFormat } from "../kernel/segment-record.ts";

/** Largest WAV and largest .bin of a segment, with room for a frame, headers and metadata. [S-1.5] */
const largestSegmentBytes = 2 ** 31 - 2 * 1024 * 1024;

export interface RotationOptions {
  /** Media seconds per segment. */
  readonly rotateS: number;
  /** The session's start in ms since 1970, if segments shall end at whole multiples of `rotateS` of UTC. */
  readonly alignedStartMs?: number | undefined;
  /** For tests: bytes of WAV or of frames at which a segment ends. */
  readonly maxSegmentBytes?: number;
}

/** When a session's segments end: a pure function of positions, never of arrival. [S-1.3] */
export class Rotation {
  /** Samples per channel in a full segment; also the longest gap that is filled. */
  readonly #sampleCount: number;
  readonly #maxBinBytes: number;
  readonly #maxSampleCount: number;
  readonly #alignmentSamples: number | undefined;

  constructor(format: RecordFormat, options: RotationOptions) {
    const { rotateS, alignedStartMs, maxSegmentBytes = largestSegmentBytes } = options;
    this.#sampleCount = Math.max(1, Math.round(rotateS * format.sampleRateHz));
    this.#maxBinBytes = maxSegmentBytes;
    this.#maxSampleCount = Math.floor(maxSegmentBytes / (format.channels * 2));
    if (alignedStartMs !== undefined) {
      this.#alignmentSamples = Math.round((alignedStartMs % (rotateS * 1000)) * (format.sampleRateHz / 1000));
    }
  }

  /**
   * Why the segment that starts at `startSample` ends in front of `sample`; `undefined` when it goes on.
   *
   * @param binBytes - bytes of its frames
   */
  endReason(startSample: number, sample: number, binBytes: number): CloseReason | undefined {
    if (this.#isDue(startSample, sample)) return "rotation";
    return sample - startSample >= this.#maxSampleCount || binBytes >= this.#maxBinBytes ? "size-limit" : undefined;
  }

  /** True when a gap at `sample` lies inside the segment that starts at `startSample`, rather than ends it. [S-1.5] */
  isFilled(gapSampleCount: number, startSample: number, sample: number): boolean {
    return gapSampleCount <= this.#sampleCount && sample + gapSampleCount - startSample < this.#maxSampleCount;
  }

  #isDue(startSample: number, sample: number): boolean {
    if (this.#alignmentSamples === undefined) return sample - startSample >= this.#sampleCount;
    return this.#slot(sample, this.#alignmentSamples) !== this.#slot(startSample, this.#alignmentSamples);
  }

  #slot(sample: number, alignmentSamples: number): number {
    return Math.floor((sample + alignmentSamples) / this.#sampleCount);
  }
}
