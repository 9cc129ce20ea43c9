import type { GapRow, SegmentRow } from "../catalog/catalog-reader.ts";

/** A stretch of a segment as its WAV holds it. */
export interface WavStretch {
  /** Samples per channel. */
  readonly sampleCount: number;
  /** Place in the WAV; `null`: a gap that the WAV leaves out. */
  readonly wavSample: number | null;
}

/** What must be known of a segment to find its samples. */
export type LaidOutSegment = Pick<SegmentRow, "startSample" | "sampleCount" | "wavSampleCount">;

/**
 * Where a part of a segment stands in its WAV, which holds gaps as silence or not at all.
 *
 * @param gaps - of the segment
 * @param from - position in the session, as `to`
 * @returns `undefined` when the lengths do not add up
 */
export function layOutWav(
  segment: LaidOutSegment,
  gaps: readonly Pick<GapRow, "startSample" | "sampleCount">[],
  from: number,
  to: number,
): readonly WavStretch[] | undefined {
  const { startSample, sampleCount, wavSampleCount } = segment;
  if (wavSampleCount === sampleCount) return [{ sampleCount: to - from, wavSample: from - startSample }];
  const inside = gaps
    .filter((gap) => gap.startSample >= startSample && gap.startSample < startSample + sampleCount)
    .sort((a, b) => a.startSample - b.startSample);
  const skippedCount = inside.reduce((sum, gap) => sum + gap.sampleCount, 0);
  if (sampleCount - skippedCount !== wavSampleCount) return undefined;
  const stretches: WavStretch[] = [];
  const take = (start: number, end: number, wavStart: number | null) => {
    const [first, last] = [Math.max(start, from), Math.min(end, to)];
    if (last <= first) return;
    stretches.push({ sampleCount: last - first, wavSample: wavStart === null ? null : wavStart + first - start });
  };
  let at = startSample;
  let wavSample = 0;
  for (const gap of inside) {
    take(at, gap.startSample, wavSample);
    wavSample += gap.startSample - at;
    at = gap.startSample + gap.sampleCount;
    take(gap.startSample, at, null);
  }
  take(at, startSample + sampleCount, wavSample);
  return stretches;
}
