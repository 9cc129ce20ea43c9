import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type AdpcmLayout, type Hwid, selectSubprotocol, subprotocols } from "@eet/protocol";
import { type ServerOptions, WebSocketServer, type Server as WsServer } from "ws";
import { clientAddressOf } from "../kernel/client-address.ts";
import { LimitError, RequestError, type ServerError } from "../kernel/errors.ts";
import { remoteOf } from "../kernel/forwarded-client.ts";
import { AckIntervals } from "./ack-intervals.ts";
import { Admission, type ConnectionLimits } from "./admission.ts";
import type { ConnectionContext } from "./device-connection.ts";
import type { DeviceGate, GatePass, GateVerdict } from "./device-gate.ts";
import { defaultIngressLimits, type IngressLimits } from "./ingress-limits.ts";
import { QueueGuard } from "./queue-guard.ts";
import { RefusalLog } from "./refusal-log.ts";
import { parseRoute, type Route } from "./route.ts";
import { WsCloseRefusals } from "./ws-close-refusals.ts";
import { WsDeviceLink } from "./ws-device-link.ts";
import { WsEchoLink } from "./ws-echo-link.ts";
import type { WsLink } from "./ws-link.ts";
import { ReadCoalescer } from "./ws-read-coalescer.ts";
import { refuseUpgrade } from "./ws-refusal.ts";
import { WsSocket } from "./ws-socket.ts";
import { WsThrottle } from "./ws-throttle.ts";

/** Finer than any timeout it serves, coarse enough to cost nothing. */
const sweepIntervalMs = 1_000;

/** Longest text of a client that is quoted in a message. */
const maxQuotedLength = 80;

/** What the endpoint needs; see {@link ConnectionContext} for the rest. */
export interface WsEndpointOptions
  extends Omit<ConnectionContext, "ackIntervals" | "maxMessageBytes" | "onHandshake">,
    ConnectionLimits,
    Partial<IngressLimits> {
  /** Received data is synced at least this often. */
  readonly flushIntervalMs: number;
  /** Longest time for which a socket is left unread while many send; 0 for never. */
  readonly coalesceMs: number;
  /** Configured layout of a device's multichannel ADPCM. [P-1.7] */
  adpcmLayoutOf?(hwid: Hwid | null): AdpcmLayout | undefined;
  /** Left out: everybody may connect as any device. */
  readonly gate?: DeviceGate;
  /** Tells why no device may connect now, such as a full disk. [S-2.5] */
  refusalReason?(): ServerError | undefined;
  /** Most of {@link queuedBytes} and of messages that are not whole; default 0, which is no limit. */
  readonly maxQueuedBytes?: number;
  /** What was handed over and is not on disk yet. */
  queuedBytes?(): number;
}

/** Limits that can change while an endpoint takes connections; see {@link WsEndpointOptions}. */
export type ChangeableLimits = Required<ConnectionLimits> &
  Pick<IngressLimits, "maxRateFactor" | "maxFramesPerS" | "maxControlFramesPerS"> & { readonly maxQueuedBytes: number };

/** The WebSocket entrance: `/ws`, `/ws/{hwid}` and `/ws/echo`. [P-1.8] */
export class WsEndpoint {
  readonly #options: WsEndpointOptions;
  readonly #context: ConnectionContext;
  readonly #server: WsServer<typeof WsSocket>;
  readonly #links = new Map<WsLink, GatePass>();
  #ingressLimits: IngressLimits;
  #maxQueuedBytes: number;
  readonly #admission: Admission;
  readonly #queue: QueueGuard;
  readonly #refusals: RefusalLog;
  readonly #closeRefusals = new WsCloseRefusals(handleProtocols);
  readonly #coalescer: ReadCoalescer;
  #sweepTimer: NodeJS.Timeout | undefined;
  #lastConnectionId = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: WsEndpointOptions) {
    this.#options = options;
    this.#coalescer = new ReadCoalescer(options.coalesceMs);
    const ackIntervals = new AckIntervals(options.clock, options);
    this.#ingressLimits = { ...defaultIngressLimits, ...options };
    const { maxMessageBytes, maxFragments } = this.#ingressLimits;
    this.#context = { ...options, ackIntervals, maxMessageBytes };
    this.#admission = new Admission(options, options.tally);
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 0;
    const maxQueuedBytes = () => this.#maxQueuedBytes;
    this.#queue = new QueueGuard({
      get maxQueuedBytes() {
        return maxQueuedBytes();
      },
      queuedBytes: () => options.queuedBytes?.() ?? 0,
      tally: options.tally,
    });
    this.#refusals = new RefusalLog({ ...options, message: "connection refused" });
    this.#server = new WebSocketServer({ ...serverOptions, maxPayload: maxMessageBytes, maxFragments });
    this.#server.on("wsClientError", (error, socket, request) => {
      this.#refuse(request, socket, new RequestError("BAD_REQUEST", error.message));
    });
  }

  /** Connections at this moment, those whose last frames are still being written included. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Takes all upgrade requests of an HTTP server, from now until that server closes. */
  attach(server: Server): void {
    server.on("upgrade", (request, socket, head) => this.handleUpgrade(request, socket, head));
    this.start();
  }

  /** Begins to look at the clock, for connections that come by {@link handleUpgrade}. */
  start(): void {
    this.#sweepTimer ??= setInterval(() => this.sweep(), sweepIntervalMs).unref();
  }

  /**
   * Lets each connection look at the clock: handshake, liveness and pause limits, and how much it may bring. Runs by itself
   * once a second.
   */
  sweep(): void {
    const links = [...this.#links.keys()];
    for (const link of links) link.sweep();
    this.#queue.look(links);
  }

  /** Takes other limits, those of one connection for connections to come; who is connected stays. */
  change(limits: ChangeableLimits): void {
    const { maxRateFactor, maxFramesPerS, maxControlFramesPerS } = limits;
    this.#ingressLimits = { ...this.#ingressLimits, maxRateFactor, maxFramesPerS, maxControlFramesPerS };
    this.#maxQueuedBytes = limits.maxQueuedBytes;
    this.#admission.change(limits);
  }

  /** Ends the connections that would not be let in any more. */
  review(): void {
    for (const [link, pass] of this.#links) {
      const fault = this.#options.gate?.review(pass);
      if (fault !== undefined) link.expel(fault);
    }
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
    this.#coalescer.close();
    // What the system holds of sockets that were left alone is read in the loop's next turns.
    await nextTurn();
    await nextTurn();
    for (const link of this.#links.keys()) link.stop();
    await Promise.all([...this.#links.keys()].map((link) => link.ended));
    this.#context.ackIntervals.close();
  }

  /** Takes an upgrade request, or refuses it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const route = parseRoute(request.url ?? "");
    const refusal = this.#judge(route);
    const verdict: GateVerdict = refusal === undefined ? this.#ask(request, route) : { refusal, tokenId: null };
    const limit = verdict.refusal === undefined ? this.#limit(request, route) : undefined;
    if (limit !== undefined) {
      this.#refuse(request, socket, limit);
    } else if (verdict.refusal === undefined) {
      this.#server.handleUpgrade(request, socket, head, (ws) => this.#open(ws, request, route, verdict));
    } else if (verdict.isToldByClose === true) {
      this.#refuseByClose(request, socket, head, verdict.refusal);
    } else {
      this.#refuse(request, socket, verdict.refusal);
    }
  }

  #ask(request: IncomingMessage, route: Route): GateVerdict {
    return this.#options.gate?.judge(request, hwidOf(route)) ?? { tokenId: null };
  }

  #judge(route: Route): ServerError | undefined {
    if (this.#stopped !== undefined) return new LimitError("SHUTTING_DOWN", "the server stops");
    if (route.name === "unknown") return new RequestError("NOT_FOUND", "the path is not a WebSocket endpoint");
    if (route.name === "bad-hwid") {
      const quoted = JSON.stringify(route.raw.slice(0, maxQuotedLength));
      return new RequestError("HWID_INVALID", `the hwid is ${quoted}, of ${route.raw.length} characters`);
    }
    if (this.#admission.refusal !== undefined) return this.#admission.refusal;
    return route.name === "device" ? (this.#options.refusalReason?.() ?? this.#queue.refusal) : undefined;
  }

  /** Looked at once it is known that who asks may: nobody else takes a place or pushes one out. [P-3.1] */
  #limit(request: IncomingMessage, route: Route): ServerError | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#admission.refusalOf(hwidOf(route), clientAddressOf(request), nowMs);
  }

  #refuseByClose(request: IncomingMessage, socket: Duplex, head: Buffer, error: ServerError): void {
    this.#refusals.note(request, error);
    this.#closeRefusals.refuse(request, socket, head, error);
  }

  #refuse(request: IncomingMessage, socket: Duplex, error: ServerError): void {
    this.#refusals.note(request, error);
    refuseUpgrade(socket, error);
  }

  #open(ws: WsSocket, request: IncomingMessage, route: Route, { tokenId, session, certificate }: GatePass): void {
    const link = this.#createLink(ws, request, route);
    this.#links.set(link, { tokenId, session, certificate });
    const leave = this.#admission.admit(hwidOf(route), clientAddressOf(request));
    link.ended.then(() => {
      this.#links.delete(link);
      this.#admission.endWait(link);
      leave();
    });
  }

  #createLink(ws: WsSocket, request: IncomingMessage, route: Route): WsLink {
    const { clock, tally } = this.#options;
    const throttle = new WsThrottle(ws, this.#ingressLimits, () => tally?.note("INGRESS_LIMIT"));
    const parts = { ws, socket: request.socket, throttle, limits: this.#ingressLimits };
    if (route.name !== "device") return new WsEchoLink(parts, { clock, tally });
    this.#lastConnectionId += 1;
    const peer = {
      connectionId: this.#lastConnectionId,
      hwid: route.hwid,
      adpcmLayout: this.#options.adpcmLayoutOf?.(route.hwid),
      subprotocol: ws.protocol,
      remote: remoteOf(request),
    };
    const context = { ...this.#context, coalescer: this.#coalescer, onHandshake: () => this.#admission.endWait(link) };
    const link = new WsDeviceLink(parts, peer, context);
    this.#admission.awaitHandshake(link, clock.monotonicMs());
    return link;
  }
}

/** Missing in the types of ws. */
interface NewerServerOptions {
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
}

const serverOptions: ServerOptions<typeof WsSocket> & NewerServerOptions = {
  noServer: true,
  clientTracking: false,
  WebSocket: WsSocket,
  // Declined: it costs memory per connection and audio hardly shrinks. [P-3]
  perMessageDeflate: false,
  // ws would drop who sends many at once, before it is told why.
  autoPong: false,
  maxBufferedChunks: 4_096,
  closeTimeout: 5_000,
  // Unset, ws would echo the first offered name. [P-2.1]
  handleProtocols,
};

function handleProtocols(offered: Set<string>, request: IncomingMessage): string | false {
  return chooseSubprotocol(offered, parseRoute(request.url ?? "")) ?? false;
}

/** `undefined`: the echo. */
function hwidOf(route: Route): Hwid | null | undefined {
  return route.name === "device" ? route.hwid : undefined;
}

/** The echo endpoint acknowledges nothing. */
function chooseSubprotocol(offered: Set<string>, route: Route): string | undefined {
  const names = [...offered].filter((name) => route.name === "device" || name !== subprotocols.v1Ack);
  return selectSubprotocol(names);
}
