import type { StreamFormat } from "@eet/protocol";
import { type CloseResult, describeCloseResult } from "./close-result.ts";
import type { TlsIdentity } from "./tls-identity.ts";

/** What it takes to open a stream. */
export interface FrameStreamOptions {
  /** The server's endpoint, as `ws://host:5096/ws`. */
  readonly url: string;
  /** The device's id, appended to the path. */
  readonly hwid?: string;
  /** 0 to 2^32 - 1. */
  readonly streamId: number;
  readonly format: StreamFormat;
  /** Wall clock of the first sample, whole ms since 1970; 0 when the device has no clock. */
  readonly timestampMs: number;
  /** Secret of the device, sent as `Authorization: Bearer`; none by default. [P-3.1] */
  readonly token?: string;
  /** For `wss:`, in Node; see `SessionOptions`. */
  readonly tls?: TlsIdentity;
  /** Name to offer in `Sec-WebSocket-Protocol`; none by default. [P-2.1] */
  readonly subprotocol?: string;
  /** Ends the connection at once, without a CLOSE, at any time. */
  readonly signal?: AbortSignal;
}

/** One connection that carries frames to a server; it does not reconnect. */
export interface FrameStream {
  /**
   * Sends the next frame; its seq is counted here, from 0.
   *
   * @param payload - one frame's audio [P-1.3] [P-1.4]; it may be reused as soon as the call returns
   * @returns nothing while the socket takes more; else a promise that resolves once it does and rejects with
   * {@link FrameStreamError} when the connection ended. Wait for it before the next call: that keeps memory bounded.
   * @throws RangeError when called while an earlier promise is pending
   */
  send(payload: Uint8Array): Promise<void> | undefined;

  /** Sends CLOSE behind the last frame and waits for the answer; every call gives the same promise, which never rejects. */
  close(): Promise<CloseResult>;

  /** How the connection ended, whoever ended it; never rejects. */
  readonly closed: Promise<CloseResult>;
}

/** A stream could not be opened, or ended while frames were still to be sent. */
export class FrameStreamError extends Error {
  override readonly name = "FrameStreamError";
  readonly result: CloseResult;

  constructor(result: CloseResult) {
    super(describeCloseResult(result), "cause" in result ? { cause: result.cause } : undefined);
    this.result = result;
  }
}
