import type { GapRecord } from "../kernel/segment-record.ts";
import type { AudioFormat, GapMode } from "./range-request.ts";

/** Why a stretch is missing: as a gap's cause, or nothing stands recorded there. */
export type MissingCause = GapRecord["cause"] | "not-recorded";

/** A stretch of a range in which there is no audio. */
export interface MissingStretch {
  /** Ms since 1970, on the sample grid. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Samples per channel from the start of the range to its own. */
  readonly fromSample: number;
  /** Samples per channel. */
  readonly sampleCount: number;
  readonly cause: MissingCause;
}

/** What a range turned out to be. */
export interface RangeFacts {
  readonly hwid: string | null;
  readonly streamId: number;
  /** Bounds on the sample grid, ms since 1970: at most half a sample from what was asked for. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Sessions that are heard, in order of time; at most 1 000. */
  readonly sessions: readonly string[];
  /** Missing stretches in order of time, the first 1 000. */
  readonly gaps: readonly MissingStretch[];
  /** All of them. */
  readonly gapCount: number;
  /** Samples per channel that are missing in all. */
  readonly gapSampleCount: number;
  /** Segments that the range is read from: files on this disk, and ones that are in the object store only. */
  readonly sources: { readonly local: number; readonly remote: number };
  /** By which rule overlapping sessions were resolved; `null` when none overlap. One line of ASCII. */
  readonly overlap: string | null;
}

/** A part of what a range lacks. */
export interface MissingPage {
  readonly facts: RangeFacts;
  readonly gaps: readonly MissingStretch[];
  /** Where to go on; `undefined` when these were the last. */
  readonly nextFromSample: number | undefined;
}

/** Facts of a range as audio. */
export interface AudioFacts extends RangeFacts {
  readonly format: AudioFormat;
  readonly gapMode: GapMode;
  /** Samples per channel that are given: of the whole range, or with `list` of what is there. */
  readonly sampleCount: number;
}

/** Smallest and largest samples of the columns of a range. */
export interface RangePeaks extends RangeFacts {
  readonly width: number;
  /**
   * By channel: `min, max` of each column in turn, -32768 to 32767; both `null` where the column lies in a gap. Column
   * `n` spans `[from + n * length / width, from + (n + 1) * length / width)`.
   */
  readonly columns: readonly (readonly (number | null)[])[];
  /** True when it was measured from the samples, false when from what was stored of them. */
  readonly isExact: boolean;
}

/** Power over time and frequency; the channels' mean. */
export interface RangeSpectrogram extends RangeFacts {
  readonly width: number;
  readonly height: number;
  /** Frequency at the middle of the lowest and of the highest row, Hz. */
  readonly lowestHz: number;
  readonly highestHz: number;
  /**
   * `width * height` values, column by column, lowest frequency first. 0: nothing recorded there; else
   * `(value - 255) / 2` is the power in dB relative to a full-scale sine, from -127 to 0.
   */
  readonly values: Uint8Array;
  /** The picture: time to the right, highest frequency on top, gaps transparent. */
  png(): Promise<Uint8Array>;
}
