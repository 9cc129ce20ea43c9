import type { StreamFormat } from "./format.ts";

/** Length of a stretch of missing frames on the device's time line. */
export interface GapLength {
  /** Samples per channel. */
  readonly sampleCount: number;
  /** True when the frame size varies and the frame before the gap had to stand for the missing ones. */
  readonly isEstimated: boolean;
}

/**
 * Measures a gap. [P-2.3] [S-1.5]
 *
 * @param missingCount - frames that are missing
 * @param previousSampleCount - samples per channel of the frame before the gap
 */
export function measureGap(format: StreamFormat, missingCount: number, previousSampleCount: number): GapLength {
  const isEstimated = format.frameSampleCount === 0;
  const frameSampleCount = isEstimated ? previousSampleCount : format.frameSampleCount;
  return { sampleCount: missingCount * frameSampleCount, isEstimated };
}
