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

/** What is known of one second. */
export interface HeardSecond {
  /** Highest peak; NaN: nothing was received. */
  readonly peakDbfs: number;
  readonly isClipped: boolean;
  readonly hasGap: boolean;
}

/** Seconds since 1970, `[from, to)`. */
export interface SecondSpan {
  readonly from: number;
  readonly to: number;
}

/** What was heard of one device in the last minute. Times are ms since 1970. */
export class LevelHistory implements HeardMarks {
  /** Highest peak of each second in dBFS, as a ring; NaN where nothing is known. */
  readonly #peaks = new Float32Array(historyLength).fill(unknown);
  /** Seconds with a gap, of the same ring. */
  readonly #gaps = new Uint8Array(historyLength);
  /** Seconds that clipped, of the same ring. */
  readonly #clips = new Uint8Array(historyLength);
  #second = 0;
  /** Changes whenever what {@link peakAt}, {@link hasGapAt} and {@link hasClippedAt} give does. */
  version = 0;
  peakDbfs = -120;
  rmsDbfs = -120;
  clippedMs = 0;
  gapMs = 0;
  quietSinceMs = 0;
  heardMs = 0;

  /** Takes what the server remembers, oldest first, the last second being this one. Of its peaks 0 is full scale only. */
  fill(peaks: readonly (number | null)[], nowMs: number): void {
    this.#advance(nowMs);
    this.version += 1;
    for (const [index, peak] of peaks.entries()) {
      const second = this.#second - peaks.length + 1 + index;
      if (second < 0 || peak === null) continue;
      this.#peaks[second % historyLength] = peak;
      if (peak >= 0) this.#clips[second % historyLength] = 1;
    }
  }

  /** Takes what was recorded of a second, since 1970: only where nothing came live. */
  fillSecond(second: number, { peakDbfs, isClipped, hasGap }: HeardSecond): void {
    if (!this.#isUnknown(second)) return;
    const place = second % historyLength;
    this.#peaks[place] = peakDbfs;
    if (isClipped) this.#clips[place] = 1;
    if (hasGap) this.#gaps[place] = 1;
    this.version += 1;
  }

  /** From the first to the last second of a span, and of the last minute, of which nothing is known; `undefined`: none. */
  findUnknown({ from, to }: SecondSpan): SecondSpan | undefined {
    let found: SecondSpan | undefined;
    for (let second = Math.max(from, this.#second - historyLength + 1); second < to; second += 1)
      if (this.#isUnknown(second)) found = { from: found?.from ?? second, to: second + 1 };
    return found;
  }

  #isUnknown(second: number): boolean {
    const isKept = second > this.#second - historyLength && second <= this.#second && second >= 0;
    return isKept && Number.isNaN(this.#peaks[second % historyLength]);
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
    if ((flags & flagBits.clipped) !== 0) {
      this.clippedMs = nowMs;
      if (this.#clips[place] === 0) this.version += 1;
      this.#clips[place] = 1;
    }
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

  /** Whether samples of a second were at the end of the scale. */
  hasClippedAt(index: number): boolean {
    const second = this.#second - historyLength + 1 + index;
    return second >= 0 && this.#clips[second % historyLength] === 1;
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
      this.#clips[passed % historyLength] = 0;
    }
    this.#second = Math.max(this.#second, second);
  }
}
