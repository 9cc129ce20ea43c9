import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { systemErrorCode } from "../kernel/errors.ts";
import type { TlsKeeper } from "./tls-keeper.ts";

/** Whoever has not spoken TLS by then will not. */
const tlsHandshakeTimeoutMs = 15_000;

/** Answers a request. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** How the TLS of a server is. */
export interface TlsEntranceOptions {
  readonly keeper: TlsKeeper;
  /** Whether clients are asked for certificates; what they show is judged with what they ask for. */
  readonly asksForCertificates: boolean;
  /** Told of a client that TLS was not spoken with. @param code - of OpenSSL or the system */
  readonly onFailure: (code: string, remote: string) => void;
}

/** Creates a server for HTTP and WebSockets, over TLS where that is asked for. */
export function createHttpServer(http: ServerOptions, handler: RequestHandler, tls?: TlsEntranceOptions): Server {
  if (tls === undefined) return createServer(http, handler);
  const { keeper, asksForCertificates, onFailure } = tls;
  const server = createTlsServer(
    {
      ...http,
      ...keeper.material.context,
      handshakeTimeout: tlsHandshakeTimeoutMs,
      ...(asksForCertificates && { requestCert: true, rejectUnauthorized: false }),
    },
    handler,
  );
  keeper.supply(server);
  // Node would answer in clear text what is no TLS.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (error, socket) => {
    onFailure(systemErrorCode(error) ?? error.message, `${socket.remoteAddress}:${socket.remotePort}`);
    socket.destroy();
  });
  return server;
}

/** Gives a further server what its first one has: limits, and what is done about requests that are none. */
export function copyServer(from: Server, to: Server): void {
  to.headersTimeout = from.headersTimeout;
  to.requestTimeout = from.requestTimeout;
  to.keepAliveTimeout = from.keepAliveTimeout;
  to.maxHeadersCount = from.maxHeadersCount;
  to.maxRequestsPerSocket = from.maxRequestsPerSocket;
  to.timeout = from.timeout;
  to.on("clientError", (error, socket) => from.emit("clientError", error, socket));
  to.on("checkExpectation", (request, response) => to.emit("request", request, response));
}

/** The TLS that a request came by. */
export function tlsOf({ socket }: Pick<IncomingMessage, "socket">): TLSSocket | undefined {
  return "encrypted" in socket ? (socket as TLSSocket) : undefined;
}
