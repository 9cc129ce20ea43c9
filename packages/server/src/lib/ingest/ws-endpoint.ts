import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Hwid } from "@eet/protocol";
import { clientAddressOf } from "../kernel/client-address.ts";
import type { Clock } from "../kernel/clock.ts";
import { LimitError, RequestError, type ServerError } from "../kernel/errors.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import { Admission, type ConnectionLimits } from "./admission.ts";
import type { ChangeableIngress, ConnectionTaker, Upgrade } from "./connection-taker.ts";
import type { DeviceGate, GatePass, GateVerdict } from "./device-gate.ts";
import type { IngressLimits } from "./ingress-limits.ts";
import { QueueGuard } from "./queue-guard.ts";
import { RefusalLog } from "./refusal-log.ts";
import { parseRoute, type Route } from "./route.ts";
import { WsCloseRefusals } from "./ws-close-refusals.ts";
import { WsEchoLink } from "./ws-echo-link.ts";
import { handleProtocols, WsLinks } from "./ws-links.ts";
import { refuseUpgrade } from "./ws-refusal.ts";

/** Finer than any timeout it serves, coarse enough to cost nothing. */
const sweepIntervalMs = 1_000;

/** Longest text of a client that is quoted in a message. */
const maxQuotedLength = 80;

/** What the endpoint needs; limits of one connection are those of the echo. */
export interface WsEndpointOptions extends ConnectionLimits, Partial<IngressLimits> {
  readonly clock: Clock;
  readonly log: Log;
  /** Where refusals are counted, and how far limits are used. */
  readonly tally?: LimitTally | undefined;
  /** Takes the devices that are let in. */
  readonly devices: ConnectionTaker;
  /** Left out: everybody may connect as any device. */
  readonly gate?: DeviceGate;
  /** Tells why no device may connect now, such as a full disk. [S-2.5] */
  refusalReason?(): ServerError | undefined;
  /** Most that may wait for the disk, or for the rest of its message; default 0, which is no limit. */
  readonly maxQueuedBytes?: number;
}

/** Limits that can change while an endpoint takes connections; see {@link WsEndpointOptions}. */
export type ChangeableLimits = Required<ConnectionLimits> & ChangeableIngress & { readonly maxQueuedBytes: number };

/** An open connection, the echo's among them. */
interface Connection {
  readonly pass: GatePass;
  expel(error: ServerError): void;
}

/** The WebSocket entrance: `/ws`, `/ws/{hwid}` and `/ws/echo`. It lets devices in, others take what they bring. [P-1.8] */
export class WsEndpoint {
  readonly #options: WsEndpointOptions;
  readonly #echoes: WsLinks;
  /** By number, in the order in which they came. */
  readonly #connections = new Map<number, Connection>();
  #maxQueuedBytes: number;
  readonly #admission: Admission;
  readonly #queue: QueueGuard;
  readonly #refusals: RefusalLog;
  readonly #closeRefusals = new WsCloseRefusals(handleProtocols);
  #sweepTimer: NodeJS.Timeout | undefined;
  #lastConnectionId = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: WsEndpointOptions) {
    this.#options = options;
    this.#echoes = new WsLinks(options);
    this.#admission = new Admission(options, options.tally);
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 0;
    const maxQueuedBytes = () => this.#maxQueuedBytes;
    this.#queue = new QueueGuard({
      get maxQueuedBytes() {
        return maxQueuedBytes();
      },
      queuedBytes: () => options.devices.waitingBytes,
      tally: options.tally,
    });
    this.#refusals = new RefusalLog({ ...options, message: "connection refused" });
  }

  /** Connections at this moment, those whose last frames are still being written included. */
  get connectionCount(): number {
    return this.#connections.size;
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

  /** Looks how much waits for the disk, and lets the echoes look at the clock. Runs by itself once a second. */
  sweep(): void {
    this.#echoes.sweep();
    this.#queue.look([...this.#connections.values()]);
  }

  /** Takes other limits, those of one connection for connections to come; who is connected stays. */
  change(limits: ChangeableLimits): void {
    this.#maxQueuedBytes = limits.maxQueuedBytes;
    this.#admission.change(limits);
    this.#echoes.change(limits);
    this.#options.devices.change(limits);
  }

  /** Ends the connections that would not be let in any more. */
  review(): void {
    for (const { pass, expel } of this.#connections.values()) {
      const fault = this.#options.gate?.review(pass);
      if (fault !== undefined) expel(fault);
    }
  }

  /**
   * Refuses new connections with 503 and drops the open ones.
   *
   * @returns resolves when all that was received is durable; never rejects
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopConnections();
    return this.#stopped;
  }

  async #stopConnections(): Promise<void> {
    clearInterval(this.#sweepTimer);
    await Promise.all([this.#echoes.stop(), this.#options.devices.stop()]);
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
      this.#letIn({ request, socket, head }, hwidOf(route), verdict);
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
    if (route.name !== "device") return undefined;
    const { refusalReason, devices } = this.#options;
    return refusalReason?.() ?? this.#queue.refusal ?? devices.refusalOf(route.hwid);
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

  /** @param hwid - `undefined`: for the echo */
  #letIn(upgrade: Upgrade, hwid: Hwid | null | undefined, { tokenId, session, certificate }: GatePass): void {
    this.#lastConnectionId += 1;
    const connectionId = this.#lastConnectionId;
    const { clock, tally, devices } = this.#options;
    const taker = hwid === undefined ? this.#echoes : devices;
    const connection: Connection = {
      pass: { tokenId, session, certificate },
      expel: (error) => taker.expel(connectionId, error),
    };
    this.#connections.set(connectionId, connection);
    const leave = this.#admission.admit(hwid, clientAddressOf(upgrade.request));
    const observer = {
      onHandshake: () => this.#admission.endWait(connection),
      onEnded: () => {
        this.#connections.delete(connectionId);
        this.#admission.endWait(connection);
        leave();
      },
    };
    if (hwid === undefined) {
      this.#echoes.open(connectionId, upgrade, observer, (parts) => new WsEchoLink(parts, { clock, tally }));
      return;
    }
    this.#admission.awaitHandshake(connection, clock.monotonicMs());
    devices.take({ connectionId, hwid }, upgrade, observer);
  }
}

/** `undefined`: the echo. */
function hwidOf(route: Route): Hwid | null | undefined {
  return route.name === "device" ? route.hwid : undefined;
}
