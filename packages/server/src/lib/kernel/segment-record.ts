/**
 * The plain facts about sessions and segments that the recording side hands to the rest. Everything here is
 * serialisable: the ingest side may run in another process.
 */

/** Format of a session, constant while it lasts. */
export interface RecordFormat {
  readonly codec: "pcm16" | "adpcm";
  /** 4 000 to 192 000. */
  readonly sampleRateHz: number;
  /** 1 to 8. */
  readonly channels: number;
  /** Samples per channel in a full frame; 0 = varies. */
  readonly frameSampleCount: number;
}

/** How a hwid's ADPCM is to be read, by configuration or from its earlier streams. [P-1.5] [P-1.7] */
export interface DeviceProfile {
  readonly configuredNibbleOrder?: "low" | "high";
  readonly cachedNibbleOrder?: "low" | "high";
  readonly adpcmLayout?: "ms4" | "single";
}

/** Start of a session by both clocks, and the one that counts. All in ms since 1970. [P-3.4] */
export interface StartTime {
  /** The time that names and time references are made from. */
  readonly startMs: number;
  readonly rule: "device-synced" | "device-unverified" | "server-arrival";
  /** As the handshake says; 0 = not given. */
  readonly deviceMs: number;
  /** Arrival of the first frame less its length. */
  readonly serverMs: number;
  /** Why the device's number is suspicious, if it is. */
  readonly warning: "probably-seconds" | "out-of-range" | null;
}

/** What identifies a session and never changes. */
export interface SessionRecord {
  /** Short and unique: 1 to 24 of `[0-9a-z]`. */
  readonly session: string;
  /** Sanitised device id; `null` when the device connected to `/ws`. */
  readonly hwid: string | null;
  readonly streamId: number;
  readonly format: RecordFormat;
  readonly start: StartTime;
  readonly profile: DeviceProfile;
  /** True for a session of `eet.v1+ack`: it can be resumed, and holds no frame twice. [P-2] */
  readonly isAcked: boolean;
}

/** Where a session that nobody records at the moment stands, so that it can go on. [P-2.7] */
export interface ResumePoint {
  readonly record: SessionRecord;
  /** Behind its last frame on disk. */
  readonly next: SessionPosition;
  /** Of the session's next segment. */
  readonly nextIndex: number;
  /** Samples per channel of its last frame: a gap is measured by it where the frame size varies. */
  readonly lastFrameSampleCount: number;
  /** Server wall clock at its last sign of life, ms since 1970. */
  readonly lastActiveMs: number;
}

/** A frame tied to the device's clocks. [P-2.1] */
export interface AnchorRecord {
  /** Unwrapped seq of the frame. */
  readonly seq: number;
  /** Device wall clock of the frame's first sample, ms since 1970; 0 = unknown. */
  readonly captureMs: number;
  /** Device monotonic clock of the same sample, microseconds; the origin is arbitrary. */
  readonly captureUs: number;
}

/** What was seen while a segment was received and does not stand in its frames: a crash loses it. */
export interface SegmentObservations {
  /** In the order of seq. */
  readonly anchors: readonly AnchorRecord[];
  /** How much faster than declared the device samples, by the session so far; `null` when not known yet. */
  readonly driftPpm: number | null;
  /** Frames that had come before and were dropped. [P-2.3] */
  readonly droppedDuplicateCount: number;
  /** Unwrapped `fromSeq` of the gaps that the device declared to have dropped. */
  readonly deviceDroppedSeqs: readonly number[];
}

/** A stretch of missing frames. Positions are samples per channel from the session's start. */
export interface GapRecord {
  /** First missing seq, unwrapped. */
  readonly fromSeq: number;
  /** First seq after the gap, unwrapped. */
  readonly toSeq: number;
  readonly startSample: number;
  readonly sampleCount: number;
  /** True when the frame size varies and the length was taken from the frame before. */
  readonly isEstimated: boolean;
  readonly cause: "not-received" | "device-dropped" | "storage-failed";
}

/** Where in a session something stands. */
export interface SessionPosition {
  /** Unwrapped seq of the next frame. */
  readonly seq: number;
  /** Samples per channel from the session's start. */
  readonly sample: number;
}

/** What the `.open.json` beside an open segment holds: all that finishing needs besides the frames. [S-1.1] */
export interface SegmentOpening {
  readonly version: "eet.open/1";
  readonly session: SessionRecord;
  /** Counts the session's segments from 0. */
  readonly index: number;
  /** File name without ending. */
  readonly name: string;
  /** Folder relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** Where the segment starts: silence for a leading gap included. */
  readonly start: SessionPosition;
  /** The gap in front of the first frame, if any. It lies inside the segment when `start.seq` is its `fromSeq`. */
  readonly leadingGap: GapRecord | null;
  readonly gapFill: "silence" | "skip";
  /** Kernel boot in which the segment was opened. [S-3.1] */
  readonly bootId: string;
  /** Server run that opened it; recovery leaves the segments of its own run alone. */
  readonly runId: string;
  /** Number by which the run's frame log knows the segment. */
  readonly logNumber: number;
}

/** Why a segment was closed. */
export type CloseReason =
  | "rotation"
  | "gap"
  | "idle"
  | "session-ended"
  | "disconnected"
  | "size-limit"
  | "storage-failed"
  | "recovered";

/** A segment whose frames are durable in its `.bin.part` and which takes no more. */
export interface ClosedSegment {
  readonly opening: SegmentOpening;
  /** Length of the frames; what lies behind it in the file is not to be trusted. */
  readonly binBytes: number;
  /**
   * Of a segment that was left open: bytes from here on were written, but nobody knows of a sync. After one that failed
   * the system takes them for stored though they are not, so they are written again. [S-2.4]
   */
  readonly unsyncedFromByte?: number;
  readonly reason: CloseReason;
  /** Server wall clock at the first and the last frame; `null` when a crash lost it. */
  readonly received: { readonly firstMs: number; readonly lastMs: number } | null;
  /** `null` when a crash lost them. */
  readonly observations: SegmentObservations | null;
  /** Decoder state in front of the session's next frame, when that follows without a gap. [P-1.6] */
  readonly nextFrame: { readonly seq: number; readonly predictor: number; readonly stepIndex: number } | null;
}
