import type { IncomingMessage } from "node:http";
import { selectSubprotocol, subprotocols } from "@eet/protocol";
import { type ServerOptions, WebSocketServer, type Server as WsServer } from "ws";
import type { Clock } from "../kernel/clock.ts";
import { RequestError, type ServerError } from "../kernel/errors.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import type { ChangeableIngress, ConnectionObserver, Upgrade } from "./connection-taker.ts";
import { defaultIngressLimits, type IngressLimits } from "./ingress-limits.ts";
import { RefusalLog } from "./refusal-log.ts";
import { parseRoute, type Route } from "./route.ts";
import type { WsLink, WsLinkParts } from "./ws-link.ts";
import { refuseUpgrade } from "./ws-refusal.ts";
import { WsSocket } from "./ws-socket.ts";
import { WsThrottle } from "./ws-throttle.ts";

export interface WsLinksOptions extends Partial<IngressLimits> {
  readonly clock: Clock;
  readonly log: Log;
  /** Where refusals, and who is slowed, are counted. */
  readonly tally?: Pick<LimitTally, "note"> | undefined;
}

/** Makes the link of a WebSocket that was just opened. */
export type CreateLink = (parts: WsLinkParts) => WsLink;

/** Upgrades connections that were let in, and keeps their links while they last. */
export class WsLinks {
  readonly #tally: WsLinksOptions["tally"];
  readonly #server: WsServer<typeof WsSocket>;
  /** By number of the connection. */
  readonly #links = new Map<number, WsLink>();
  readonly #refusals: RefusalLog;
  #limits: IngressLimits;

  constructor(options: WsLinksOptions) {
    this.#tally = options.tally;
    this.#limits = { ...defaultIngressLimits, ...options };
    const { maxMessageBytes, maxFragments } = this.#limits;
    this.#refusals = new RefusalLog({ ...options, message: "connection refused" });
    this.#server = new WebSocketServer({ ...serverOptions, maxPayload: maxMessageBytes, maxFragments });
    this.#server.on("wsClientError", (error, socket, request) => {
      const refusal = new RequestError("BAD_REQUEST", error.message);
      this.#refusals.note(request, refusal);
      refuseUpgrade(socket, refusal);
    });
  }

  /** Bytes in memory of messages that are not whole yet, at most. */
  get partialBytes(): number {
    let bytes = 0;
    for (const { partialBytes } of this.#links.values()) bytes += partialBytes;
    return bytes;
  }

  /** Upgrades a connection, or answers why that cannot be. */
  open(
    connectionId: number,
    { request, socket, head }: Upgrade,
    observer: Pick<ConnectionObserver, "onEnded">,
    createLink: CreateLink,
  ): void {
    let isOpen = false;
    // One that is not upgraded is refused by ws, or was gone before.
    const onClose = () => {
      if (!isOpen) observer.onEnded();
    };
    if (socket.closed) onClose();
    else socket.once("close", onClose);
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      isOpen = true;
      const throttle = new WsThrottle(ws, this.#limits, () => this.#tally?.note("INGRESS_LIMIT"));
      const link = createLink({ ws, socket: request.socket, throttle, limits: this.#limits });
      this.#links.set(connectionId, link);
      link.ended.then(() => {
        this.#links.delete(connectionId);
        observer.onEnded();
      });
    });
  }

  /** Ends a connection, if it is still there. */
  expel(connectionId: number, error: ServerError): void {
    this.#links.get(connectionId)?.expel(error);
  }

  /** Lets each connection look at the clock; to be called about once a second. */
  sweep(): void {
    for (const link of this.#links.values()) link.sweep();
  }

  /** Takes other limits, for connections to come. */
  change({ maxRateFactor, maxFramesPerS, maxControlFramesPerS }: ChangeableIngress): void {
    this.#limits = { ...this.#limits, maxRateFactor, maxFramesPerS, maxControlFramesPerS };
  }

  /** Drops all. @returns when all that was received is durable; never rejects */
  async stop(): Promise<void> {
    for (const link of this.#links.values()) link.stop();
    await Promise.all([...this.#links.values()].map((link) => link.ended));
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

/** Chooses the subprotocol of a connection among those that it offers. */
export function handleProtocols(offered: Set<string>, request: IncomingMessage): string | false {
  return chooseSubprotocol(offered, parseRoute(request.url ?? "")) ?? false;
}

/** The echo endpoint acknowledges nothing. */
function chooseSubprotocol(offered: Set<string>, route: Route): string | undefined {
  const names = [...offered].filter((name) => route.name === "device" || name !== subprotocols.v1Ack);
  return selectSubprotocol(names);
}
