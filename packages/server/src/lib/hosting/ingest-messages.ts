import type { IncomingHttpHeaders } from "node:http";
import type { Arrival, ChangeableIngress } from "../ingest/connection-taker.ts";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import type { TappedFrame } from "../kernel/frame-tap.ts";
import type { LogFields } from "../kernel/log.ts";
import type { PlainError } from "../kernel/plain-error.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { DeviceProfile } from "../kernel/segment-record.ts";
import type { EndedSession } from "../recording/deliveries.ts";
import type { IngestFigures, IngestOptions, ProcessUse } from "./ingest-host.ts";

/** What a worker is to be, told first of all. */
export interface WorkerStart {
  readonly dataPath: string;
  /** Counts the workers from 0; two processes cannot have the same place. */
  readonly place: number;
  readonly runId: string;
  readonly options: IngestOptions;
}

/** An upgrade request without its socket, and without what is none of a worker's business: cookies and tokens. */
export interface PlainUpgrade {
  /** The path alone. */
  readonly url: string;
  /** Those of the WebSocket handshake. */
  readonly headers: IncomingHttpHeaders;
  /** The client's address where a trusted proxy named it. */
  readonly forwardedAddress: string | undefined;
  /** What came behind the request. */
  readonly head: Uint8Array;
}

/** Steps of a worker's end, in this order; each is answered once it is done. */
export type EndingStep = "stop" | "end-sessions" | "close";

/** All that the serving side tells a worker. With `take` goes the connection's socket. */
export type ToWorker =
  | { readonly type: "start"; readonly start: WorkerStart }
  | {
      readonly type: "take";
      readonly arrival: Arrival;
      readonly upgrade: PlainUpgrade;
      readonly profile: DeviceProfile;
    }
  | { readonly type: "expel"; readonly connectionId: number; readonly error: PlainError }
  | { readonly type: "change"; readonly limits: ChangeableIngress }
  | { readonly type: "uploaded"; readonly session: string; readonly nextSeq: number }
  | { readonly type: "tap"; readonly hwid: string | null; readonly isOn: boolean }
  | { readonly type: "learn"; readonly hwid: string; readonly profile: DeviceProfile }
  | { readonly type: "close-segment"; readonly logNumber: number }
  | { readonly type: "fail-all"; readonly error: PlainError }
  /** Answers `find-ended`. */
  | { readonly type: "found"; readonly questionId: number; readonly ended: EndedSession | undefined }
  | { readonly type: "not-found"; readonly questionId: number; readonly error: PlainError }
  | { readonly type: EndingStep };

/** A worker's figures, about once a second. */
export interface WorkerReport {
  readonly figures: IngestFigures;
  readonly waitingBytes: number;
  readonly use: ProcessUse;
}

/** A frame of a device that somebody looks at. */
export interface ShownFrame extends TappedFrame {
  readonly hwid: string | null;
}

/** All that a worker tells the serving side, and asks it. */
export type FromWorker =
  | { readonly type: "ready" }
  /** It cannot begin, and ends. */
  | { readonly type: "not-ready"; readonly error: PlainError }
  | { readonly type: "recording"; readonly event: RecordingEvent }
  | { readonly type: "connection"; readonly event: ConnectionEvent }
  /** The handshake of a connection has come. */
  | { readonly type: "handshake"; readonly connectionId: number }
  /** A connection is gone, and what came over it is durable. */
  | { readonly type: "ended"; readonly connectionId: number }
  | { readonly type: "find-ended"; readonly questionId: number; readonly session: string }
  | { readonly type: "frames"; readonly frames: readonly ShownFrame[] }
  /** A limit was met. */
  | { readonly type: "limit"; readonly code: string }
  | { readonly type: "report"; readonly report: WorkerReport }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: LogFields;
      readonly message: string;
    }
  | { readonly type: "done"; readonly step: EndingStep };
