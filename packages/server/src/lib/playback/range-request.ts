/** A stretch of wall-clock time, `[fromMs, toMs)`, ms since 1970; fractions are taken. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of one session, `[fromSample, toSample)`, samples per channel from the session's start. */
export interface SampleRange {
  readonly session: string;
  readonly fromSample: number;
  readonly toSample: number;
}

/** Which recording, and what of it. */
export interface RangeRequest {
  /** `null`: recorded without an id. */
  readonly hwid: string | null;
  /** Needed when several streams have audio in the range. */
  readonly streamId?: number;
  /** Of a range of time only what this session recorded: where sessions of different formats lie in it. */
  readonly session?: string;
  readonly range: TimeRange | SampleRange;
}

/** Formats that a range is given in. */
export const audioFormats = ["wav", "flac", "raw"] as const;

/** One of {@link audioFormats}. `raw` is interleaved s16le without a header. */
export type AudioFormat = (typeof audioFormats)[number];

/** What becomes of missing stretches. */
export const gapModes = ["silence", "list"] as const;

/**
 * - `silence`: the audio is exactly as long as the range; silence stands for what is missing.
 * - `list`: what is missing is left out; the facts tell where it was.
 */
export type GapMode = (typeof gapModes)[number];

/** A range as audio. */
export interface AudioRequest extends RangeRequest {
  readonly format: AudioFormat;
  /** Default `silence`. */
  readonly gaps?: GapMode;
}

/** A range as a picture's worth of numbers. */
export interface PeaksRequest extends RangeRequest {
  /** Columns, 1 to 8192. */
  readonly width: number;
  /** Ends the drawing. */
  readonly signal?: AbortSignal;
}

/** A range as a spectrogram. */
export interface SpectrogramRequest extends RangeRequest {
  /** Columns, 1 to 8192. */
  readonly width: number;
  /** Rows, 1 to 1024; default 128, which is what is stored. */
  readonly height?: number;
  /** Ends the drawing. */
  readonly signal?: AbortSignal;
}
