import type { DeliveryCounts } from "../../catalog/delivery-queue.ts";
import type { UploadCounts } from "../../catalog/upload-queue.ts";
import type { LatencyFigures } from "../../kernel/latency-histogram.ts";
import type { LimitTally } from "../../kernel/limit-tally.ts";

/** What the API counts of itself. */
export interface ApiFigures {
  /** Exports of audio that are running. */
  readonly exportCount: number;
  /** Pictures that are being drawn. */
  readonly pictureCount: number;
  /** Clients that were cut off because they took nothing of their answer. */
  readonly cutOffReaderTotal: number;
  readonly limits: Pick<LimitTally, "counts" | "uses">;
}

/** The live side. */
export interface LiveFigures {
  readonly viewerCount: number;
  /** Devices that somebody looks at. */
  readonly watchedDeviceCount: number;
  /** Messages that were left out because their viewer did not read fast enough. */
  readonly skippedMessageTotal: number;
  /** Frames that were not looked at for want of time. */
  readonly skippedFrameTotal: number;
}

/** What the parts of the server count, at a moment. Totals are since the start of the process. */
export interface ServerFigures {
  readonly connectionCount: number;
  /** Devices with an id that are connected. */
  readonly onlineDeviceCount: number;
  /** Streams that are being recorded. */
  readonly sessionCount: number;
  readonly frameTotal: number;
  /** Of frames, headers included. */
  readonly byteTotal: number;
  readonly gapTotal: number;
  readonly duplicateTotal: number;
  /** From a frame's arrival until it is on stable storage. */
  readonly flushLatency: LatencyFigures;
  readonly syncLatency: LatencyFigures;
  /** Closed segments that wait for their WAV and sidecar. */
  readonly finishingCount: number;
  /** Processes that take devices: all, those that run, and how often one ended by itself. */
  readonly ingestWorkers: {
    readonly count: number;
    readonly runningCount: number;
    readonly crashTotal: number;
    /** By place. */
    readonly uses: readonly { readonly cpuS: number; readonly residentBytes: number; readonly loopDelayMs: number }[];
  };
  /** Segments that a thread was at when it ended: two at most for each thread. */
  readonly finishCrashTotal: number;
  /** Threads that ended while they decoded or drew recordings. */
  readonly playbackCrashTotal: number;
  /** Closed segments whose finishing failed. */
  readonly unfinishedCount: number;
  /** Segments of the catalogue: with local files, and in the object store only. */
  readonly segments: { readonly local: number; readonly evicted: number };
  /** `undefined` when uploads are off. */
  readonly uploads: UploadCounts | undefined;
  readonly deliveries: readonly DeliveryCounts[];
  readonly live: LiveFigures;
  readonly disk: {
    readonly state: "ok" | "soft" | "hard";
    readonly freeBytes: number;
    readonly totalBytes: number;
    /** Until the hard mark at the present rate; `undefined`: not known yet, `Infinity`: it does not fill. */
    readonly headroomHours: number | undefined;
  };
  /** Times of the certificate in force and of the revocation list, in ms since 1970; `undefined`: TLS is off. */
  readonly tls:
    | { readonly startMs: number; readonly endMs: number; readonly revocationEndMs: number | undefined }
    | undefined;
  /** Everybody who reaches the server may do everything. */
  readonly isInsecureOpen: boolean;
  /** ms since 1970. */
  readonly nowMs: number;
}
