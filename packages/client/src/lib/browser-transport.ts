import type { CloseResult } from "./close-result.ts";
import type { ConnectTransport, Transport, TransportEvents, TransportRequest } from "./transport.ts";

/**
 * A connection by the platform's own `WebSocket`, which can set no header: the token is offered as the subprotocol
 * `eet.bearer.<base64url>`. It cannot ping, and does not tell why an upgrade failed: that is `unreachable`. [P-3.1]
 */
export const connectBrowser: ConnectTransport = (request, events) => new BrowserTransport(request, events);

class BrowserTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #events: TransportEvents;
  #isOver = false;
  #isOpened = false;
  #isCloseOurs = false;

  constructor({ url, subprotocols, token }: TransportRequest, events: TransportEvents) {
    const credentials = token === undefined ? [] : [`eet.bearer.${encodeBase64Url(token)}`];
    this.#events = events;
    this.#socket = new WebSocket(url, [...subprotocols, ...credentials]);
    this.#socket.binaryType = "arraybuffer";
    this.#watch();
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    // A view of an ArrayBuffer that is not shared: frames are made by this package.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message as Uint8Array<ArrayBuffer>);
  }

  close(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#isCloseOurs = true;
    this.#socket.close(1000);
  }

  /** A browser cannot break a connection: it closes, and nobody listens to what still comes. */
  drop(): void {
    this.#isOver = true;
    this.#socket.close();
  }

  #watch(): void {
    const socket = this.#socket;
    socket.onopen = () => {
      if (this.#isOver) return;
      this.#isOpened = true;
      this.#events.onOpen(socket.protocol);
    };
    socket.onmessage = ({ data }) => {
      if (!this.#isOver && data instanceof ArrayBuffer) this.#events.onMessage(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#events.onClosed(this.#judge(code, reason));
    };
  }

  #judge(code: number, reason: string): CloseResult {
    if (!this.#isOpened) return { kind: "unreachable", cause: undefined };
    if (code === 1006) return { kind: "dropped", cause: undefined };
    if (this.#isCloseOurs && (code === 1000 || code === 1005)) return { kind: "clean" };
    return { kind: "closed-by-server", code, reason };
  }
}

function encodeBase64Url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
