import type { RecordFormat } from "../kernel/segment-record.ts";

/** Largest WAV and largest .bin of a segment, with room for a frame, headers and metadata. [S-1.5] */
const maxSegmentBytes = 2 ** 31 - 2 * 1024 * 1024;

/** When a session's segments end: a pure function of positions, never of arrival. [S-1.3] */
export class Rotation {
  /** Samples per channel in a full segment; also the longest gap that is filled. */
  readonly sampleCount: number;
  readonly #maxSampleCount: number;
  readonly #alignmentSamples: number | undefined;

  /**
   * @param rotateS - media seconds per segment
   * @param alignedStartMs - the session's start, if segments shall end at whole multiples of `rotateS` of UTC
   */
  constructor(format: RecordFormat, rotateS: number, alignedStartMs: number | undefined) {
    this.sampleCount = Math.max(1, Math.round(rotateS * format.sampleRateHz));
    this.#maxSampleCount = Math.floor(maxSegmentBytes / (format.channels * 2));
    if (alignedStartMs !== undefined) {
      this.#alignmentSamples = Math.round((alignedStartMs % (rotateS * 1000)) * (format.sampleRateHz / 1000));
    }
  }

  /** True when a frame at `sample` belongs to the segment after the one that starts at `segmentStartSample`. */
  isDue(segmentStartSample: number, sample: number): boolean {
    if (this.#alignmentSamples === undefined) return sample - segmentStartSample >= this.sampleCount;
    return this.#slot(sample, this.#alignmentSamples) !== this.#slot(segmentStartSample, this.#alignmentSamples);
  }

  /** True when the segment must end for the size of its files. */
  isOversized(segmentStartSample: number, sample: number, binBytes: number): boolean {
    return sample - segmentStartSample >= this.#maxSampleCount || binBytes >= maxSegmentBytes;
  }

  #slot(sample: number, alignmentSamples: number): number {
    return Math.floor((sample + alignmentSamples) / this.sampleCount);
  }
}
