import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { addressKeyOf, clientAddressOf } from "../kernel/client-address.ts";
import type { Clock } from "../kernel/clock.ts";
import { ControlFrames } from "../kernel/control-frames.ts";
import { LimitError, RequestError, type ServerError } from "../kernel/errors.ts";
import { KeyedCounts } from "../kernel/keyed-counts.ts";
import type { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import type { LiveHub } from "./live-hub.ts";
import { liveLimits } from "./live-messages.ts";
import { WsViewer } from "./ws-viewer.ts";

/** Viewers at once: each costs memory and, with what it looks at, time. */
export const maxViewerCount = 100;
const defaultHeartbeatMs = 10_000;
const defaultMaxControlFramesPerS = 100;

export interface WsLiveEndpointOptions {
  readonly hub: LiveHub;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 100. This and the next two are looked at with each viewer that comes. */
  readonly maxViewerCount?: number;
  /** From one address, see `addressKeyOf`; default: as many as in all. */
  readonly maxPerAddress?: number;
  /** PING and PONG of one viewer; default 100. */
  readonly maxControlFramesPerS?: number;
  /** Where refusals and ends by a limit are counted. */
  readonly tally?: LimitTally;
  /** Time between two heartbeats; default 10 000. */
  readonly heartbeatMs?: number;
}

/** The WebSocket entrance of viewers, `/api/v1/live`. docs/live.md tells what goes over it. */
export class WsLiveEndpoint {
  /** Answers an upgrade request that is none; unset, its line is dropped. */
  onBadUpgrade: ((request: IncomingMessage, socket: Duplex, refusal: ServerError) => void) | undefined;
  readonly #options: WsLiveEndpointOptions;
  readonly #heartbeatMs: number;
  readonly #server = new WebSocketServer(serverOptions);
  readonly #viewers = new Set<WsViewer>();
  readonly #byAddress = new KeyedCounts<string>();
  #skippedMessageTotal = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: WsLiveEndpointOptions) {
    this.#options = options;
    this.#heartbeatMs = options.heartbeatMs ?? defaultHeartbeatMs;
    this.#server.on("wsClientError", (error, socket, request) => {
      const refusal = new RequestError("BAD_REQUEST", error.message);
      if (this.onBadUpgrade === undefined) socket.destroy();
      else this.onBadUpgrade(request, socket, refusal);
    });
    const allowed = () => options.maxViewerCount ?? maxViewerCount;
    options.tally?.show("VIEWER_LIMIT", () => ({ used: this.#viewers.size, allowed: allowed() }));
    options.tally?.show("VIEWER_ADDRESS_LIMIT", () => {
      return { used: this.#byAddress.largest, allowed: options.maxPerAddress ?? allowed() };
    });
  }

  /** Viewers at this moment. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Messages that viewers did not read fast enough for, since the start. */
  get skippedMessageTotal(): number {
    return this.#skippedMessageTotal;
  }

  /** Tells why a viewer may not connect now. */
  refusalReason(request: IncomingMessage): ServerError | undefined {
    if (this.#stopped !== undefined) return new LimitError("SHUTTING_DOWN", "the server stops");
    const max = this.#options.maxViewerCount ?? maxViewerCount;
    if (this.#viewers.size >= max) {
      return new LimitError("VIEWER_LIMIT", `${this.#viewers.size} of ${max} viewers are connected`);
    }
    const { maxPerAddress = max } = this.#options;
    const key = addressKeyOf(clientAddressOf(request));
    if (key === undefined || this.#byAddress.of(key) < maxPerAddress) return undefined;
    return new LimitError("VIEWER_ADDRESS_LIMIT", `${maxPerAddress} viewers from ${key} are connected, as many as may`);
  }

  /** Takes an upgrade request for which there is no {@link refusalReason}. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const { hub, clock, log, tally } = this.#options;
      const onSkipped = () => {
        this.#skippedMessageTotal += 1;
      };
      const viewer = new WsViewer(ws, request.socket, {
        ...{ hub, clock, log, heartbeatMs: this.#heartbeatMs, onSkipped },
        controlFrames: new ControlFrames(this.#maxControlFrames),
        onLimit: (code) => tally?.note(code),
      });
      this.#viewers.add(viewer);
      const key = addressKeyOf(clientAddressOf(request));
      const leave = key === undefined ? undefined : this.#byAddress.add(key);
      this.#timer ??= setInterval(() => this.beat(), this.#heartbeatMs);
      void viewer.ended.then(() => {
        leave?.();
        this.#remove(viewer);
      });
    });
  }

  /** From one heartbeat to the next. */
  get #maxControlFrames(): number {
    const { maxControlFramesPerS = defaultMaxControlFramesPerS } = this.#options;
    return Math.ceil((maxControlFramesPerS * Math.min(this.#heartbeatMs, defaultHeartbeatMs)) / 1000);
  }

  #remove(viewer: WsViewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Tells all viewers that the server is there, and drops those that are not. Runs by itself. */
  beat(): void {
    for (const viewer of this.#viewers) viewer.beat();
  }

  /** Ends all connections with 1001 and refuses new ones with 503. @returns when they are gone; never rejects */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopViewers();
    return this.#stopped;
  }

  async #stopViewers(): Promise<void> {
    const viewers = [...this.#viewers];
    for (const viewer of viewers) viewer.stop();
    await Promise.all(viewers.map(({ ended }) => ended));
  }
}

/** Missing in the types of ws. */
interface NewerServerOptions {
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
}

const serverOptions: ServerOptions & NewerServerOptions = {
  noServer: true,
  clientTracking: false,
  // Declined: levels and audio hardly shrink, and it costs memory per viewer.
  perMessageDeflate: false,
  maxPayload: liveLimits.maxRequestBytes,
  maxFragments: 64,
  maxBufferedChunks: 256,
  // A viewer that does not answer the CLOSE must not hold up the server's stop.
  closeTimeout: 2_000,
  // Unset, ws would echo the first offered name.
  handleProtocols: () => false,
};
