import type { AudioAmount, DeliveryMode, TlsIdentity } from "@eet/client";
import type { StreamFormat } from "@eet/protocol";
import type { FrameSource } from "./frame-source.ts";
import type { Pacer } from "./pacer.ts";
import type { StreamTarget } from "./stream-options.ts";

/** What all streams of a command share. */
export interface StreamPlan {
  readonly url: string;
  readonly format: StreamFormat;
  readonly source: FrameSource;
  /** Without it frames go as fast as the server takes them. */
  readonly pacer: Pacer | undefined;
  /** Whether the audio ends only by an interruption, which then is a success. */
  readonly isEndless: boolean;
  readonly interruption: AbortSignal;
  /** Secret of the device. */
  readonly token: string | undefined;
  /** For `wss:`. */
  readonly tls?: TlsIdentity | undefined;
}

/**
 * Where a stream stands.
 *
 * - `waiting`: its turn to connect has not come.
 * - `connecting`: for the first time.
 * - `open`: frames travel.
 * - `reconnecting`: the connection was lost or never came about; {@link StreamRun.outage} may tell why.
 * - `finishing`: no more audio is read; what was read is still to be delivered.
 * - `complete`, `interrupted`, `failed`: it has ended.
 */
export type StreamState =
  | "waiting"
  | "connecting"
  | "open"
  | "reconnecting"
  | "finishing"
  | "complete"
  | "interrupted"
  | "failed";

/** How far a stream has come. */
export interface StreamProgress {
  /** How frames travel; `undefined` as long as that is not known. */
  readonly delivery: DeliveryMode | undefined;
  /** Sent once or more. */
  readonly sent: AudioAmount;
  /** On the server's stable storage; `undefined` where nobody tells. */
  readonly durable: AudioAmount | undefined;
  /** In the object store; `undefined` where nobody tells. */
  readonly uploaded: AudioAmount | undefined;
  /** In memory, and not known to be delivered. */
  readonly buffered: AudioAmount & { readonly byteCount: number };
  /** In the spool and not in memory; `undefined` without a spool. */
  readonly spooled: AudioAmount | undefined;
  /** Given up for want of room. */
  readonly dropped: AudioAmount;
  /** Connections after the first one. */
  readonly reconnectCount: number;
}

/** Why a stream has no connection, and until when. */
export interface Outage {
  readonly reason: string;
  /** Wall clock of the next attempt. */
  readonly untilMs: number;
}

/** One stream from connecting to its end. */
export interface StreamRun {
  readonly target: StreamTarget;
  readonly state: StreamState;
  readonly progress: StreamProgress;
  /** How late the last frame was, 0 without pacing. */
  readonly lagMs: number;
  readonly outage: Outage | undefined;
  /** What went wrong and what to do; `undefined` if nothing did. */
  readonly failure: string | undefined;
  /** Whether that is for its token, or for want of one. */
  readonly isTokenRefused: boolean;

  /** Starts it, once. Resolves when the first attempt to connect has had its outcome; never rejects. */
  open(): Promise<void>;

  /** Resolves when it has ended, by itself or by the interruption; never rejects. */
  readonly ended: Promise<void>;
}

/** After so many frames other work gets a turn; what takes everything at once would never let go. */
export const turnFrameCount = 16;

/** An error in words. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
