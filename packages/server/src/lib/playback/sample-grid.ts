/**
 * Where a time lies on the sample grid of a rate: samples since 1970, to the nearest. A session's first sample is
 * placed so once, and all others follow it; hence ranges that touch in time touch in samples.
 *
 * Whole seconds by themselves: a product of all of it would be inexact.
 */
export function gridIndexAt(ms: number, sampleRateHz: number): number {
  const seconds = Math.floor(ms / 1000);
  return seconds * sampleRateHz + Math.round(((ms - seconds * 1000) * sampleRateHz) / 1000);
}

/** Time of a place on the grid, ms since 1970. */
export function gridMsAt(index: number, sampleRateHz: number): number {
  const seconds = Math.floor(index / sampleRateHz);
  return seconds * 1000 + ((index - seconds * sampleRateHz) * 1000) / sampleRateHz;
}
