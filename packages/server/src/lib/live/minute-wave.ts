const secondCount = 60;

/** The highest peak of each of the last 60 seconds, by the wall clock. */
export class MinuteWave {
  readonly #peaks = new Float64Array(secondCount);
  /** Second, since 1970, that each of {@link #peaks} belongs to. */
  readonly #seconds = new Float64Array(secondCount).fill(-1);

  /** @param peakDbfs - dB relative to full scale */
  push(wallMs: number, peakDbfs: number): void {
    const second = Math.floor(wallMs / 1000);
    const place = second % secondCount;
    const isNew = this.#seconds[place] !== second;
    this.#seconds[place] = second;
    this.#peaks[place] = isNew ? peakDbfs : Math.max(this.#peaks[place] ?? peakDbfs, peakDbfs);
  }

  /** Oldest first, the last is the present second; `null` where nothing came. 0 stands for full scale only: it clips. */
  read(wallMs: number): readonly (number | null)[] {
    const last = Math.floor(wallMs / 1000);
    return Array.from({ length: secondCount }, (_, index) => {
      const second = last - secondCount + 1 + index;
      const place = second % secondCount;
      return this.#seconds[place] === second ? roundPeak(this.#peaks[place] ?? 0) : null;
    });
  }
}

function roundPeak(peakDbfs: number): number {
  return peakDbfs >= 0 ? peakDbfs : Math.min(-0.1, Math.round(peakDbfs * 10) / 10);
}
