import type { NibbleOrder } from "@eet/audio";
import type { StreamFormat } from "@eet/protocol";
import type { AudioAmount } from "./audio-amount.ts";
import type { SessionClock } from "./session-clock.ts";
import type { SessionResult, SessionState } from "./session-state.ts";
import type { Spool } from "./spool.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import type { ConnectTransport } from "./transport.ts";

/** What it takes to create a session. */
export interface SessionOptions {
  /** The server's endpoint, as `ws://host:5096/ws`. */
  readonly url: string;
  /** The device's id, appended to the path. [P-1.8] */
  readonly hwid?: string;
  /** 0 to 2^32 - 1; default 0. */
  readonly streamId?: number;
  readonly format: StreamFormat;
  /** Secret of the device: a header in Node, a subprotocol in browsers. [P-3.1] */
  readonly token?: string;
  /** For `wss:`, in Node: whom to trust, and the device's own certificate. Default: the well-known authorities, and none. */
  readonly tls?: TlsIdentity;
  /**
   * Device wall clock of the first sample, ms since 1970; 0 when there is none. Given, the session connects at once;
   * default: the clock at the first write, which is when it connects then.
   */
  readonly startMs?: number;
  /** How ADPCM is packed, by `write()` and by the caller of `writeFrame()`; default `low`. [P-1.5] */
  readonly nibbleOrder?: NibbleOrder;
  /** Bounds of what is held until it is acknowledged; exceeded by one frame at most. */
  readonly window?: {
    /** Default 4 MiB. */
    readonly maxBytes?: number;
    /** Of audio; default 60. */
    readonly maxSeconds?: number;
  };
  /**
   * When the window is full: `wait` (default) makes the writer wait; `drop-oldest` never does, it lets go of the oldest
   * frames and declares them to the server as dropped. [P-2.1]
   */
  readonly whenFull?: "wait" | "drop-oldest";
  /**
   * When the server does not acknowledge: `fail` (default) ends the session, `plain` sends frames as version 1 does, where
   * a connection that breaks loses what was on its way. A server is taken for one that does not when it does not select
   * acknowledgements, or selects them and twice in a row sends no welcome within 3 s. One that has acknowledged once never
   * falls back, nor do the journals of a spool while it acknowledges live frames.
   */
  readonly fallback?: "plain" | "fail";
  /** Longest time without a connection, ms; default: for ever. */
  readonly giveUpMs?: number;
  /** Ends the session as `abort()` does. */
  readonly signal?: AbortSignal;
  /** Told of each change of {@link Session.state}. */
  readonly onState?: (state: SessionState) => void;
  /** Told when {@link Session.progress} has moved, but not of each write: about once per acknowledgement. */
  readonly onProgress?: (progress: SessionProgress) => void;
  /**
   * An open spool, which may serve several sessions (Node only). Frames are kept in it too until they are acknowledged, and
   * when there is no connection and the window is full, in it alone. They are delivered after the next connection, below
   * the priority of live frames, as is what earlier processes left. The session does not close it.
   */
  readonly spool?: Spool;
  /** Seq of the first frame, as on the wire; default 0. */
  readonly firstSeq?: number;
  /** For tests. */
  readonly clock?: SessionClock;
  /** Uniform in [0, 1); for tests. */
  readonly random?: () => number;
  /** For tests, and for WebSockets of another kind. */
  readonly transport?: ConnectTransport;
}

/** When a sample was captured. */
export interface CapturedAt {
  /** Device wall clock, ms since 1970; 0 when unknown. */
  readonly captureMs: number;
  /** Device monotonic clock, microseconds, of any origin; default: goes on with the count of samples. */
  readonly captureUs?: number;
}

/** How far a session has come. All amounts count from its beginning. */
export interface SessionProgress {
  /** Frames made of what was written. */
  readonly written: AudioAmount;
  /** Sent once or more. */
  readonly sent: AudioAmount;
  /** On the server's stable storage. */
  readonly durable: AudioAmount;
  /** In the object store, verified; `undefined` when the server does not tell. */
  readonly uploaded: AudioAmount | undefined;
  /** Let go of because there was no room: they will never arrive. */
  readonly dropped: AudioAmount;
  /** Held in memory. */
  readonly buffered: AudioAmount & { readonly byteCount: number; readonly audioS: number };
  /** In the spool and not in memory: of this session, and what earlier processes left; `undefined` without a spool. */
  readonly backlog: (AudioAmount & { readonly byteCount: number; readonly audioS: number }) | undefined;
  /** Connections after the first one. */
  readonly reconnectCount: number;
  /** The server asks to send no faster than audio is made, and the session obeys until it is asked no more. */
  readonly isSlowedDown: boolean;
}

/** A stream of audio to a server that ends when all of it is on stable storage, however often the connection breaks. */
export interface Session {
  readonly state: SessionState;
  readonly progress: SessionProgress;

  /**
   * Sends samples; they are cut into frames and encoded as the format says.
   *
   * Failures (a session that has ended) reject; a rejection that nobody waits for is not reported as unhandled.
   *
   * @param pcm - interleaved, any count of whole samples of all channels; it may be reused as soon as the call returns
   * @param captured - of its first sample; default: goes on from the start with the count of samples
   * @returns nothing while there is room for more; else a promise that resolves once there is. Wait for it before the
   *   next call: that keeps memory bounded. With `drop-oldest` there is always room.
   * @throws RangeError for a part of a sample, or when called while an earlier promise is pending
   * @throws ProtocolError `MESSAGE_TOO_BIG` for frames larger than the server takes, as far as that is known
   */
  write(pcm: Int16Array, captured?: CapturedAt): Promise<void> | undefined;

  /**
   * Sends one frame that is encoded already; otherwise as {@link write}. Use one of the two.
   *
   * @param payload - one frame's audio [P-1.3] [P-1.4]; it may be reused as soon as the call returns
   * @param captured - of the frame's first sample
   * @throws ProtocolError `FRAME_*` for a payload that the format cannot have
   */
  writeFrame(payload: Uint8Array, captured?: CapturedAt): Promise<void> | undefined;

  /**
   * Delivers what is left, a last shorter frame and the spool's backlog included, and ends the session. Every call gives
   * the same promise, which never rejects.
   */
  finish(): Promise<SessionResult>;

  /**
   * Makes the next attempt at once, where one is waited for: to be called on a sign that the server can be reached again,
   * as when another session has a connection. A wait that the server asks for is kept. [P-2.8]
   */
  connectNow(): void;

  /** Ends at once: what was not acknowledged may be lost, or stays in the spool. */
  abort(): void;

  /** How it ended, whoever ended it; never rejects. */
  readonly closed: Promise<SessionResult>;
}
