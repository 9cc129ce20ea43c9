/** What lies below is not drawn. */
export const floorDb = -60;
/** Where nothing is heard, dBFS: the lowest that is measured. */
export const silenceDbfs = -120;
/** Slow enough to be seen, fast enough to follow speech. */
const fallDbPerS = 30;
const holdMs = 1_500;

/** Share of a meter that a level in dBFS fills, 0 to 1. */
export function levelShare(dbfs: number): number {
  return Math.min(1, Math.max(0, 1 - dbfs / floorDb));
}

/** What a meter shows: it rises at once and falls slowly; the highest level is held. Times are ms since 1970. */
export class MeterFall {
  /** Shown now. */
  dbfs = floorDb;
  /** The highest of the last moments. */
  holdDbfs = silenceDbfs;
  #heldMs = 0;
  #takenMs = 0;

  /** Takes the level that is measured now. */
  take(dbfs: number, nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#takenMs);
    this.#takenMs = nowMs;
    this.dbfs = Math.max(dbfs, floorDb, this.dbfs - (fallDbPerS * passedMs) / 1000);
    if (dbfs < this.holdDbfs && nowMs - this.#heldMs < holdMs) return;
    this.holdDbfs = dbfs;
    this.#heldMs = nowMs;
  }
}
