import WebSocket, { type ClientOptions } from "ws";
import type { CloseResult } from "./close-result.ts";
import { readRefusal } from "./refused-upgrade.ts";
import type { ConnectTransport, Transport, TransportEvents, TransportRequest } from "./transport.ts";

/** `closeTimeout` is not in the types of ws yet. */
const socketOptions: ClientOptions & { readonly closeTimeout: number } = {
  // Compressing audio costs time on both sides and saves nothing.
  perMessageDeflate: false,
  // The answer to CLOSE comes only after everything in the socket's buffers has been read.
  closeTimeout: 60_000,
  // The server's messages have some dozens of bytes.
  maxPayload: 64 * 1024,
};

/** A connection by the package `ws`; the token goes into `Authorization: Bearer`. [P-3.1] */
export const connectWs: ConnectTransport = connectWsWith({});

/** The same with further options of `ws`. */
export function connectWsWith(options: ClientOptions): ConnectTransport {
  return (request, events) => new WsTransport(request, events, options);
}

class WsTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #events: TransportEvents;
  #isDropped = false;
  #isOpened = false;
  #isCloseOurs = false;
  #refusal: CloseResult | undefined;
  #cause: Error | undefined;

  constructor({ url, subprotocols, token }: TransportRequest, events: TransportEvents, options: ClientOptions) {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.#events = events;
    this.#socket = new WebSocket(url, [...subprotocols], { ...socketOptions, ...options, headers });
    this.#watch();
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  close(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#isCloseOurs = true;
    this.#socket.close(1000);
  }

  drop(): void {
    this.#isDropped = true;
    this.#socket.terminate();
  }

  ping(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #watch(): void {
    const socket = this.#socket;
    const tell = (what: (events: TransportEvents) => void) => {
      if (!this.#isDropped) what(this.#events);
    };
    socket.once("open", () => {
      this.#isOpened = true;
      tell((events) => events.onOpen(socket.protocol));
    });
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) tell((events) => events.onMessage(data));
    });
    socket.on("ping", () => tell((events) => events.onSign()));
    socket.on("pong", () => tell((events) => events.onSign()));
    socket.on("error", (error) => {
      this.#cause ??= error;
    });
    socket.once("unexpected-response", async (_request, response) => {
      this.#refusal = await readRefusal(response);
      socket.terminate();
    });
    socket.once("close", (code, reason) => {
      const result = this.#judge(code, reason.toString());
      tell((events) => events.onClosed(result));
    });
  }

  #judge(code: number, reason: string): CloseResult {
    if (this.#refusal !== undefined) return this.#refusal;
    if (!this.#isOpened) {
      // ws gives up by itself where the server selects none; nothing but the text tells it from other errors.
      if (this.#cause?.message === "Server sent no subprotocol") return { kind: "no-subprotocol" };
      return { kind: "unreachable", cause: this.#cause };
    }
    if (code === 1006) return { kind: "dropped", cause: this.#cause };
    // A peer that answers CLOSE without a code of its own (1005) has read our frames just the same.
    if (this.#isCloseOurs && (code === 1000 || code === 1005)) return { kind: "clean" };
    return { kind: "closed-by-server", code, reason };
  }
}
