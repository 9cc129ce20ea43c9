/** How long a peak is held. */
const holdMs = 1_500;
/** How fast what was held falls, dB per second. */
const fallDbPerS = 26;
/** From here on a sample is at the end of the scale. */
const fullScale = 0.998;
/** Below it nothing is shown. */
export const floorDb = -60;

/** Level of what is heard: power, peak with hold, and whether it clips. */
export class LevelMeter {
  /** dB below full scale. */
  rmsDb = Number.NEGATIVE_INFINITY;
  peakDb = Number.NEGATIVE_INFINITY;
  /** When a sample was at the end of the scale last. */
  clippedAtMs = Number.NEGATIVE_INFINITY;
  #peakAtMs = 0;
  #lastMs = 0;

  /** @param nowMs - of any clock that does not jump */
  note(samples: Float32Array, nowMs: number): void {
    let power = 0;
    let peak = 0;
    for (const sample of samples) {
      power += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    if (samples.length > 0) this.rmsDb = 10 * Math.log10(power / samples.length);
    if (peak >= fullScale) this.clippedAtMs = nowMs;
    this.#hold(20 * Math.log10(peak), nowMs);
  }

  #hold(peakDb: number, nowMs: number): void {
    const fallenDb = nowMs - this.#peakAtMs > holdMs ? (fallDbPerS * (nowMs - this.#lastMs)) / 1000 : 0;
    this.peakDb -= fallenDb;
    this.#lastMs = nowMs;
    if (peakDb < this.peakDb) return;
    this.peakDb = peakDb;
    this.#peakAtMs = nowMs;
  }
}

/** Where a level stands between the floor (0) and full scale (1). */
export function shareOfScale(db: number): number {
  return Math.max(0, Math.min(1, 1 - db / floorDb));
}
