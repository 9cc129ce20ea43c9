import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type AdpcmLayout, type Hwid, limits, selectSubprotocol } from "@eet/protocol";
import { type ServerOptions, WebSocketServer, type Server as WsServer } from "ws";
import { LimitError, RequestError, type ServerError } from "../kernel/errors.ts";
import type { ConnectionContext } from "./device-connection.ts";
import { parseRoute, pathOf, type Route } from "./route.ts";
import { WsDeviceLink } from "./ws-device-link.ts";
import { WsEchoLink } from "./ws-echo-link.ts";
import type { WsLink } from "./ws-link.ts";
import { refuseUpgrade } from "./ws-refusal.ts";
import { WsSocket } from "./ws-socket.ts";

/** Finer than any timeout it serves, coarse enough to cost nothing. */
const sweepIntervalMs = 1_000;

/** Longest text of a client that is quoted in a message. */
const maxQuotedLength = 80;

/** What the endpoint needs; see {@link ConnectionContext} for sink, clock and log. */
export interface WsEndpointOptions extends ConnectionContext {
  /** Connections at once, those still being flushed included. */
  readonly maxConnections: number;
  /** Configured layout of a device's multichannel ADPCM. [P-1.7] */
  adpcmLayoutOf?(hwid: Hwid | null): AdpcmLayout | undefined;
  /** Tells why no device may connect now, such as a full disk. [S-2.5] */
  refusalReason?(): ServerError | undefined;
}

/** The WebSocket entrance: `/ws`, `/ws/{hwid}` and `/ws/echo`. [P-1.8] */
export class WsEndpoint {
  readonly #options: WsEndpointOptions;
  readonly #server: WsServer<typeof WsSocket>;
  readonly #links = new Set<WsLink>();
  #sweepTimer: NodeJS.Timeout | undefined;
  #lastConnectionId = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: WsEndpointOptions) {
    this.#options = options;
    this.#server = new WebSocketServer(serverOptions);
    this.#server.on("wsClientError", (error, socket, request) => {
      this.#refuse(request, socket, new RequestError("BAD_REQUEST", error.message));
    });
  }

  /** Connections at this moment, those whose last frames are still being written included. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Takes the upgrade requests of an HTTP server, from now until that server closes. */
  attach(server: Server): void {
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#sweepTimer = setInterval(() => this.sweep(), sweepIntervalMs).unref();
  }

  /** Lets each connection look at the clock: handshake, liveness and pause limits. Runs by itself once a second. */
  sweep(): void {
    for (const link of this.#links) link.sweep();
  }

  /**
   * Refuses new connections with 503 and drops the open ones.
   *
   * @returns resolves when all that was received is durable; never rejects
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopLinks();
    return this.#stopped;
  }

  async #stopLinks(): Promise<void> {
    clearInterval(this.#sweepTimer);
    for (const link of this.#links) link.stop();
    await Promise.all([...this.#links].map((link) => link.ended));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const route = parseRoute(request.url ?? "");
    const refusal = this.#judge(route);
    if (refusal !== undefined) {
      this.#refuse(request, socket, refusal);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#open(ws, request, route));
  }

  #judge(route: Route): ServerError | undefined {
    if (this.#stopped !== undefined) return new LimitError("SHUTTING_DOWN", "the server stops");
    if (route.name === "unknown") return new RequestError("NOT_FOUND", "the path is not a WebSocket endpoint");
    if (route.name === "bad-hwid") {
      const quoted = JSON.stringify(route.raw.slice(0, maxQuotedLength));
      return new RequestError("HWID_INVALID", `the hwid is ${quoted}, of ${route.raw.length} characters`);
    }
    const { maxConnections } = this.#options;
    if (this.#links.size >= maxConnections) {
      return new LimitError("CONNECTION_LIMIT", `${this.#links.size} of ${maxConnections} connections are open`);
    }
    return route.name === "device" ? this.#options.refusalReason?.() : undefined;
  }

  #refuse(request: IncomingMessage, socket: Duplex, error: ServerError): void {
    // The query string may hold a token, so it is not logged.
    const path = pathOf(request.url ?? "").slice(0, maxQuotedLength);
    const { code, message: detail } = error;
    this.#options.log.warn({ path, remote: remoteOf(request), code, detail }, "connection refused");
    refuseUpgrade(socket, error);
  }

  #open(ws: WsSocket, request: IncomingMessage, route: Route): void {
    const link = this.#createLink(ws, request, route);
    this.#links.add(link);
    link.ended.then(() => this.#links.delete(link));
  }

  #createLink(ws: WsSocket, request: IncomingMessage, route: Route): WsLink {
    if (route.name !== "device") return new WsEchoLink(ws, request.socket, this.#options.clock);
    this.#lastConnectionId += 1;
    const peer = {
      connectionId: this.#lastConnectionId,
      hwid: route.hwid,
      adpcmLayout: this.#options.adpcmLayoutOf?.(route.hwid),
      subprotocol: ws.protocol,
      remote: remoteOf(request),
    };
    return new WsDeviceLink(ws, request.socket, peer, this.#options);
  }
}

/** Missing in the types of ws. */
interface NewerServerOptions {
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
}

const serverOptions: ServerOptions<typeof WsSocket> & NewerServerOptions = {
  noServer: true,
  clientTracking: false,
  WebSocket: WsSocket,
  // Declined: it costs memory per connection and audio hardly shrinks. [P-3]
  perMessageDeflate: false,
  maxPayload: limits.maxMessageBytes,
  maxFragments: limits.maxFragmentCount,
  maxBufferedChunks: 4_096,
  closeTimeout: 5_000,
  // Unset, ws would echo the first offered name. [P-2.1]
  handleProtocols: (offered) => selectSubprotocol(offered) ?? false,
};

function remoteOf(request: IncomingMessage): string {
  return `${request.socket.remoteAddress}:${request.socket.remotePort}`;
}
