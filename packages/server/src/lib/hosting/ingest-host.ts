import type { ConnectionTaker } from "../ingest/connection-taker.ts";
import type { IngressLimits } from "../ingest/ingress-limits.ts";
import type { ConnectionListener } from "../kernel/connection-events.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import type { LatencyFigures } from "../kernel/latency-histogram.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import type { RecordingListener } from "../kernel/recording-events.ts";
import type { DeviceProfile, SegmentOpening } from "../kernel/segment-record.ts";
import type { EndedSession } from "../recording/deliveries.ts";
import type { RecorderOptions } from "../recording/recorder.ts";

/** How the ingest side works: plain and serialisable, as it may be told to another process. */
export interface IngestOptions
  extends Pick<
      RecorderOptions,
      "receivedPath" | "layout" | "rotateS" | "rotateAlign" | "gapFill" | "flushIntervalMs" | "bootId"
    >,
    IngressLimits {
  readonly frameLogFolder: string;
  /** Acks come at most this often per device. */
  readonly ackIntervalMs: number;
  /** Longest time for which a socket is left unread while many send; 0 for never. */
  readonly coalesceMs: number;
  /** Whether acks tell what the object store holds. */
  readonly hasUploads: boolean;
}

/** What the ingest side asks the serving side, and tells it. */
export interface IngestSurroundings {
  readonly log: Log;
  /** Where limits that devices meet are counted. */
  readonly tally: Pick<LimitTally, "note">;
  readonly onRecording: RecordingListener;
  readonly onConnection: ConnectionListener;
  /** Looks up an acknowledged session that nobody records. */
  readonly findEnded: (session: string) => Promise<EndedSession | undefined>;
  /** How the device's ADPCM is to be read. */
  readonly profileOf: (hwid: string | null) => DeviceProfile;
}

/** What the ingest side does, at a moment. Totals are since the start. */
export interface IngestFigures {
  /** Sessions that are being recorded. */
  readonly sessionCount: number;
  readonly frameCount: number;
  /** Of frames, headers included. */
  readonly byteCount: number;
  readonly gapCount: number;
  readonly duplicateCount: number;
  readonly flushLatency: LatencyFigures;
  readonly syncLatency: LatencyFigures;
}

/** What a process uses of the machine. */
export interface ProcessUse {
  /** User and system, since its start. */
  readonly cpuS: number;
  readonly residentBytes: number;
  /** The longest one of the last second. */
  readonly loopDelayMs: number;
}

/** The processes that the ingest side is spread over. */
export interface WorkerFigures {
  /** 0: it runs in the server's own process. */
  readonly count: number;
  /** Those that take devices at the moment. */
  readonly runningCount: number;
  /** How often one ended by itself. */
  readonly crashTotal: number;
  /** By place; processor time is that of all that ran there. */
  readonly uses: readonly ProcessUse[];
}

/**
 * Where devices' frames are taken and recorded: in this process, or in others. All that passes by here is plain, but for
 * the sockets. [A-1.1]
 */
export interface IngestHost extends ConnectionTaker {
  /** Resolves when it takes devices, rejects with what keeps it from that. No device may be let in before. */
  readonly ready: Promise<void>;
  readonly figures: IngestFigures;
  readonly workers: WorkerFigures;
  /** Devices whose frames are shown to somebody. */
  readonly tapCount: number;
  /** Whether a segment was opened by this server, since it started. */
  isOwnRun(runId: string): boolean;
  /** True while an acknowledged session is being recorded, or waits for its connection to come back. */
  isHeld(session: string): boolean;
  /** The object store holds every frame of an acknowledged session before `nextSeq`, unwrapped. */
  noteUploaded(session: string, nextSeq: number): void;
  /** Shows a device's frames from now on to one who looks on, or to nobody. They are shown, never waited for. */
  tap(hwid: string | null, tap: FrameTap | undefined): void;
  /** How a device's ADPCM is to be read has changed. */
  learn(hwid: string, profile: DeviceProfile): void;
  /** A segment is finished: the frame log need not tell of it any more. */
  closeSegment(opening: Pick<SegmentOpening, "runId" | "logNumber">): void;
  /** Gives up on all connections, which are to be dropped: the disk cannot take them. What they sent is kept. [S-2.5] */
  failAll(error: ServerError): void;
  /** Ends all sessions. @returns when every frame is on stable storage, and told; never rejects */
  endSessions(): Promise<void>;
  /** Closes the frame log, once all segments are finished. Idempotent; never rejects. */
  close(): Promise<void>;
}
