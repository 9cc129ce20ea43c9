/**
 * The plain facts about sessions and segments that rooms hand to each other. Everything here is serialisable: the
 * ingest side may run in another process than the rest.
 */

/** How samples are coded on the wire and in the `.bin`. */
export type CodecName = "pcm16" | "adpcm";

/** Order of the two 4-bit codes in an ADPCM byte. */
export type NibbleOrderName = "low" | "high";

/** How the nibble order was found, strongest first. [P-1.5] */
export type NibbleOrderSource = "config" | "exact" | "statistical" | "cached" | "default";

/** Layout of ADPCM with more than one channel. [P-1.7] */
export type AdpcmLayoutName = "ms4" | "single";

/** Format of a session, constant while it lasts. */
export interface RecordFormat {
  readonly codec: CodecName;
  /** 4 000 to 192 000. */
  readonly sampleRateHz: number;
  /** 1 to 8. */
  readonly channels: number;
  /** Samples per channel in a full frame; 0 = varies. */
  readonly frameSampleCount: number;
}

/** Which clock gave the start time. [P-3.4] */
export type StartTimeRule = "device-synced" | "device-unverified" | "server-arrival";

/** Start of a session by both clocks, and the one that counts. All in ms since 1970. */
export interface StartTime {
  /** The time that names and time references are made from. */
  readonly startMs: number;
  readonly rule: StartTimeRule;
  /** As the handshake says; 0 = not given. */
  readonly deviceMs: number;
  /** Arrival of the first frame less its length. */
  readonly serverMs: number;
  /** Set when the device's number looks like seconds instead of milliseconds. */
  readonly warning?: "probably-seconds" | "out-of-range";
}

/** What identifies a session and never changes. */
export interface SessionRecord {
  /** Short and unique, 1 to 24 of `[0-9a-z]`. */
  readonly session: string;
  /** Sanitised device id; `null` when the device connected to `/ws`. */
  readonly hwid: string | null;
  readonly streamId: number;
  readonly format: RecordFormat;
  readonly start: StartTime;
  /** Nibble order and layout configured for the hwid, if any. */
  readonly nibbleOrder?: NibbleOrderName;
  readonly adpcmLayout?: AdpcmLayoutName;
}

/** Why a stretch of frames is missing. */
export type GapCause = "not-received" | "device-dropped" | "storage-failed";

/** A stretch of missing frames. Positions are samples per channel from the session's start. */
export interface GapRecord {
  /** First missing seq, unwrapped. */
  readonly fromSeq: number;
  /** First seq after the gap, unwrapped. */
  readonly toSeq: number;
  readonly startSample: number;
  readonly sampleCount: number;
  /** True when the frame size varies and the length had to be estimated from the frame before. */
  readonly isEstimated: boolean;
  readonly cause: GapCause;
}

/** Why a segment was closed. */
export type SegmentCloseReason =
  | "rotation"
  | "gap"
  | "idle"
  | "session-ended"
  | "size-limit"
  | "storage-failed"
  | "recovered";

/** What the `.open.json` beside an open segment holds: all that the finisher needs besides the frames. */
export interface SegmentOpening extends SessionRecord {
  readonly format_: "eet.open/1";
  /** Counts the session's segments from 0. */
  readonly index: number;
  /** File name without ending, see S-1.1. */
  readonly name: string;
  /** Position of the segment's first sample, gap fill included. */
  readonly startSample: number;
  /** Seq (unwrapped) that would have continued the session; differs from the first frame's seq when a gap leads. */
  readonly expectedSeq: number;
  /** True when the missing samples before the first frame belong to this segment as silence. */
  readonly fillsLeadingGap: boolean;
  /** Kernel boot during which the segment was opened. [S-3.1] */
  readonly bootId: string;
  /** Server run that opened it; recovery leaves the segments of its own run alone. */
  readonly runId: string;
}
