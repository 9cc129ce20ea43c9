import type { CloseResult } from "./close-result.ts";

/** Where to connect and as whom. */
export interface TransportRequest {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Offered in `Sec-WebSocket-Protocol`, best first; may be empty. */
  readonly subprotocols: readonly string[];
  /** Secret of the device. [P-3.1] */
  readonly token: string | undefined;
}

/** What a connection tells. Nothing is told before {@link ConnectTransport} has returned, nor after `onClosed` or `drop`. */
export interface TransportEvents {
  /** @param subprotocol - as the server selected it; empty when none was offered */
  onOpen(subprotocol: string): void;
  /** A binary message came. The bytes are the receiver's own. */
  onMessage(message: Uint8Array): void;
  /** A sign of life that is no message: a ping or a pong. */
  onSign(): void;
  onClosed(result: CloseResult): void;
}

/** One connection, from its first attempt to its end: all that a session needs of a WebSocket. */
export interface Transport {
  /** Bytes that were sent and that the socket still holds. */
  readonly bufferedBytes: number;
  /** Sends a binary message; does nothing once the connection has ended. The bytes must not change afterwards. */
  send(message: Uint8Array): void;
  /** Sends CLOSE 1000 behind what was sent. The answer comes as `onClosed`. */
  close(): void;
  /** Ends it at once, at any time, without telling. */
  drop(): void;
  /** Asks for a sign of life; absent where the platform has no pings (browsers). */
  ping?(): void;
}

/** Begins to connect. Throws nothing: what fails is told by `onClosed`. */
export type ConnectTransport = (request: TransportRequest, events: TransportEvents) => Transport;
