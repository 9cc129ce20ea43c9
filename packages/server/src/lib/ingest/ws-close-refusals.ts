import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { RequestError, type ServerError } from "../kernel/errors.ts";
import { refuseUpgrade } from "./ws-refusal.ts";

export interface CloseRefusalLimits {
  /** Sockets at once that are upgraded for nothing but their CLOSE; default 64. */
  readonly maxCount?: number;
  /** Time for which the client's CLOSE is waited for; default 1 s. */
  readonly closeTimeoutMs?: number;
}

/** Missing in the types of ws. */
interface NewerServerOptions {
  readonly closeTimeout: number;
}

/** Of strangers, who are owed nothing but the one CLOSE. */
const strangerOptions: ServerOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: 125,
};

/**
 * Refuses upgrade requests by granting them and closing at once, as browsers show a CLOSE and no answer to an upgrade
 * [P-3.1]. What such a socket sends is thrown away, and it is cut off after a second. When there are many at once, more get
 * the plain answer.
 */
export class WsCloseRefusals {
  readonly #server: WebSocketServer;
  readonly #maxCount: number;
  #count = 0;

  /** @param handleProtocols - chooses the subprotocol as for those who are let in */
  constructor(
    handleProtocols: NonNullable<ServerOptions["handleProtocols"]>,
    { maxCount = 64, closeTimeoutMs: closeTimeout = 1_000 }: CloseRefusalLimits = {},
  ) {
    this.#maxCount = maxCount;
    const options: ServerOptions & NewerServerOptions = { ...strangerOptions, closeTimeout, handleProtocols };
    this.#server = new WebSocketServer(options);
    this.#server.on("wsClientError", ({ message }, socket) => {
      refuseUpgrade(socket, new RequestError("BAD_REQUEST", message));
    });
  }

  refuse(request: IncomingMessage, socket: Duplex, head: Buffer, error: ServerError): void {
    if (this.#count >= this.#maxCount) {
      refuseUpgrade(socket, error);
      return;
    }
    this.#count += 1;
    socket.once("close", () => {
      this.#count -= 1;
    });
    const { title, ackCloseCode = 1011 } = error.row;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      ws.close(ackCloseCode, title);
    });
  }
}
