import { type DeviceMessage, formatDeviceMessage, parseServerMessage, type ServerMessage } from "@eet/protocol";
import { WebSocket } from "ws";

/** Told what happens on a connection, in order. */
export interface AckConnectionObserver {
  onOpen(connection: AckConnection): void;
  onMessage(connection: AckConnection, message: ServerMessage): void;
  /** @param how - code of the CLOSE frame, 1006 without one; `http-503` and the like for a refused upgrade */
  onClosed(connection: AckConnection, how: AckEnding): void;
}

/** How a connection ended. */
export type AckEnding = number | `http-${number}`;

/** One connection of `eet.v1+ack` on a bare WebSocket, as little between a test and the wire as can be. */
export class AckConnection {
  readonly #socket: WebSocket;
  /** Seq of the next frame to send on it, unwrapped; `undefined` until the session is settled. */
  cursor: number | undefined;
  /** The highest `durable_next` that came on it, unwrapped. */
  durableNext: number | undefined;
  /** Drops that were declared on it. */
  declaredDropCount = 0;
  /** Nothing that comes is to be heard. */
  isDeaf = false;
  /** RSUM was sent. */
  hasAsked = false;
  /** FINI was sent. */
  hasFinished = false;
  /** Frames sent on it. */
  sentCount = 0;

  /** @param token - shown as `Authorization: Bearer`; left out: none */
  constructor(url: string, observer: AckConnectionObserver, token?: string) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, "eet.v1+ack", { perMessageDeflate: false, handshakeTimeout: 10_000, headers });
    this.#socket = socket;
    let refusal: AckEnding | undefined;
    socket.on("open", () => observer.onOpen(this));
    socket.on("message", (data: Buffer) => {
      const message = parseServerMessage(data);
      if (message === undefined) throw new TypeError(`the server sent ${data.toString("hex")}`);
      observer.onMessage(this, message);
    });
    socket.on("error", ({ message }) => {
      const [, status] = /^Unexpected server response: (\d+)$/.exec(message) ?? [];
      if (status !== undefined) refusal = `http-${Number(status)}`;
    });
    socket.once("close", (code) => observer.onClosed(this, refusal ?? code));
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Neither open nor ended. */
  get isConnecting(): boolean {
    return this.#socket.readyState === WebSocket.CONNECTING;
  }

  /** Bytes that the socket has not passed to the system yet. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.isOpen) this.#socket.send(bytes);
  }

  tell(message: DeviceMessage): void {
    this.send(formatDeviceMessage(message));
  }

  /** Ends TCP at once, without a CLOSE frame. */
  drop(): void {
    this.#socket.terminate();
  }
}
