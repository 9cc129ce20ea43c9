import { flagBits } from "../api/live-frames.ts";
import type { HeardMarks } from "./device-state.ts";

/** Seconds that a tile shows. */
export const historyLength = 60;
/** Below it a room is as good as empty of sound. */
const quietDbfs = -72;
/** Levels come ten times a second: whoever missed so many does not know what they were. */
const pauseMs = 2_000;
/** Nothing was looked at. */
const unknown = Number.NaN;

/** What was heard of one device in the last minute. Times are ms since 1970. */
export class LevelHistory implements HeardMarks {
  /** Highest peak of each second in dBFS, as a ring; NaN where nothing is known. */
  readonly #peaks = new Float32Array(historyLength).fill(unknown);
  /** Seconds with a gap, of the same ring. */
  readonly #gaps = new Uint8Array(historyLength);
  #second = 0;
  /** Changes whenever what {@link peakAt} and {@link hasGapAt} give does. */
  version = 0;
  peakDbfs = -120;
  rmsDbfs = -120;
  clippedMs = 0;
  gapMs = 0;
  quietSinceMs = 0;
  heardMs = 0;

  /** Takes what the server remembers, oldest first, the last second being this one. */
  fill(peaks: readonly (number | null)[], nowMs: number): void {
    this.#advance(nowMs);
    this.version += 1;
    for (const [index, peak] of peaks.entries()) {
      const second = this.#second - peaks.length + 1 + index;
      if (second >= 0 && peak !== null) this.#peaks[second % historyLength] = peak;
    }
  }

  /** Takes the levels of a tenth of a second. */
  take(peakDbfs: number, rmsDbfs: number, flags: number, nowMs: number): void {
    this.#advance(nowMs);
    const place = this.#second % historyLength;
    const before = this.#peaks[place] ?? unknown;
    if (Number.isNaN(before) || peakDbfs > before) {
      this.#peaks[place] = peakDbfs;
      this.version += 1;
    }
    this.peakDbfs = peakDbfs;
    this.rmsDbfs = rmsDbfs;
    const isUnbroken = nowMs - this.heardMs < pauseMs;
    this.heardMs = nowMs;
    if ((flags & flagBits.clipped) !== 0) this.clippedMs = nowMs;
    if ((flags & flagBits.gap) !== 0) {
      this.gapMs = nowMs;
      this.#gaps[place] = 1;
      this.version += 1;
    }
    if (peakDbfs > quietDbfs) this.quietSinceMs = 0;
    else if (this.quietSinceMs === 0 || !isUnbroken) this.quietSinceMs = nowMs;
  }

  /** Highest peak of a second in dBFS, 0 the oldest, {@link historyLength} - 1 this one; NaN: not known. */
  peakAt(index: number): number {
    const second = this.#second - historyLength + 1 + index;
    return second < 0 ? unknown : (this.#peaks[second % historyLength] ?? unknown);
  }

  /** Whether frames were missing in a second. */
  hasGapAt(index: number): boolean {
    const second = this.#second - historyLength + 1 + index;
    return second >= 0 && this.#gaps[second % historyLength] === 1;
  }

  /** Lets time go on where nothing comes. */
  advance(nowMs: number): void {
    this.#advance(nowMs);
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second > this.#second) this.version += 1;
    const first = Math.max(this.#second + 1, second - historyLength + 1);
    for (let passed = first; passed <= second; passed += 1) {
      this.#peaks[passed % historyLength] = unknown;
      this.#gaps[passed % historyLength] = 0;
    }
    this.#second = Math.max(this.#second, second);
  }
}
