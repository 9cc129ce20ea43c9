import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import type { Clock } from "../kernel/clock.ts";
import type { ControlFrames } from "../kernel/control-frames.ts";
import { LimitError, type ServerError, toError } from "../kernel/errors.ts";
import type { LimitCode } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import { DeviceView } from "./device-view.ts";
import { FleetView } from "./fleet-view.ts";
import { ListenView } from "./listen-view.ts";
import type { LiveHub } from "./live-hub.ts";
import { type LiveMessage, type LiveRequest, liveLimits, type PastRequest } from "./live-messages.ts";
import { LiveRequestError, parseLiveRequest } from "./live-request.ts";
import { PastView } from "./past-view.ts";
import type { ViewerPort } from "./viewer-port.ts";

/** Unsent bytes above which binary messages are left out: what comes late is of no use. */
const maxUnsentBytes = 256 * 1024;
/** Unsent bytes above which the connection is dropped: a viewer that asks and asks, and reads nothing. */
const maxUntoldBytes = 2 * 1024 * 1024;
/** Heartbeats without a byte of the viewer after which it is taken for lost. */
const maxSilentBeatCount = 3;

type View = FleetView | DeviceView | ListenView | PastView;

export interface WsViewerOptions {
  readonly hub: LiveHub;
  readonly clock: Clock;
  readonly log: Log;
  /** Time between two heartbeats. */
  readonly heartbeatMs: number;
  /** Told of each message that is left out because the viewer does not read fast enough. */
  readonly onSkipped: () => void;
  readonly controlFrames: ControlFrames;
  /** Told of limits that the viewer meets. */
  readonly onLimit: (code: LimitCode) => void;
}

/** One viewer's connection and its subscriptions. */
export class WsViewer implements ViewerPort {
  /** Resolves when the socket is gone; never rejects. */
  readonly ended: Promise<void>;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #options: WsViewerOptions;
  readonly #views = new Map<number, View>();
  #skippedCount = 0;
  #bytesRead = 0;
  #silentBeatCount = 0;

  constructor(ws: WebSocket, socket: Socket, options: WsViewerOptions) {
    this.#ws = ws;
    this.#socket = socket;
    this.#options = options;
    ws.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    // A violation is answered by ws, and `close` follows.
    ws.on("error", () => {});
    ws.on("ping", () => this.#onControlFrame());
    ws.on("pong", () => this.#onControlFrame());
    this.ended = new Promise((resolve) => {
      ws.once("close", () => {
        this.#closeViews();
        resolve();
      });
    });
    const { clock, heartbeatMs } = options;
    this.tell({ type: "hello", version: 1, server_ms: clock.wallMs(), heartbeat_ms: heartbeatMs });
  }

  tell(message: LiveMessage): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.send(JSON.stringify(message));
    if (this.#ws.bufferedAmount > maxUntoldBytes) this.#ws.terminate();
  }

  get hasRoom(): boolean {
    return this.#ws.bufferedAmount <= maxUnsentBytes;
  }

  show(format: () => Uint8Array): boolean {
    if (this.#ws.readyState !== this.#ws.OPEN) return false;
    if (!this.hasRoom) {
      this.#skippedCount += 1;
      this.#options.onSkipped();
      return false;
    }
    this.#ws.send(format());
    return true;
  }

  /** Tells that the server is there, and looks whether the viewer is. */
  beat(): void {
    this.#options.controlFrames.sweep();
    const { bytesRead } = this.#socket;
    this.#silentBeatCount = bytesRead === this.#bytesRead ? this.#silentBeatCount + 1 : 0;
    this.#bytesRead = bytesRead;
    if (this.#silentBeatCount >= maxSilentBeatCount) {
      this.#ws.terminate();
      return;
    }
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
    this.tell({
      type: "heartbeat",
      server_ms: this.#options.clock.wallMs(),
      skipped_messages: this.#skippedCount,
      skipped_frames: this.#options.hub.skippedFrameCount,
    });
  }

  /** Ends the connection: the server stops. */
  stop(): void {
    this.#closeViews();
    this.#ws.close(1001, "restarting");
  }

  #onControlFrame(): void {
    if (this.#options.controlFrames.take()) return;
    this.#options.onLimit("CONTROL_LIMIT");
    this.#ws.terminate();
  }

  #closeViews(): void {
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    try {
      if (isBinary) throw new LiveRequestError(null, "the message is binary; allowed: JSON in a text message");
      this.#obey(parseLiveRequest(String(data)));
    } catch (thrown) {
      if (thrown instanceof LiveRequestError) this.#refuse(thrown, thrown.requestId);
      else this.#fail(toError(thrown));
    }
  }

  #obey(request: LiveRequest): void {
    const view = this.#views.get(request.id);
    if (request.type === "fleet" && view instanceof FleetView) {
      view.show(request);
      return;
    }
    const { maxSubscriptionCount } = liveLimits;
    if (request.type !== "stop" && view === undefined && this.#views.size >= maxSubscriptionCount) {
      const message = `${this.#views.size} subscriptions are open, allowed are ${maxSubscriptionCount}`;
      this.#options.onLimit("SUBSCRIPTION_LIMIT");
      this.#refuse(new LimitError("SUBSCRIPTION_LIMIT", message), request.id);
      return;
    }
    view?.close();
    this.#views.delete(request.id);
    if (request.type === "stop") this.tell({ type: "stopped", id: request.id });
    else this.#views.set(request.id, this.#open(request));
  }

  #open(request: Exclude<LiveRequest, { readonly type: "stop" }>): View {
    const { hub } = this.#options;
    if (request.type === "fleet") return new FleetView(request, hub, this);
    if (request.type === "past") return this.#openPast(request);
    return request.type === "device" ? new DeviceView(request, hub, this) : new ListenView(request, hub, this);
  }

  /** It ends by itself. */
  #openPast(request: PastRequest): PastView {
    const view: PastView = new PastView(request, this.#options.hub, this, () => {
      if (this.#views.get(request.id) === view) this.#views.delete(request.id);
    });
    return view;
  }

  #refuse({ code, message, row }: ServerError, id: number | null): void {
    this.tell({ type: "error", id, code, title: row.title, detail: message, fix: row.fix });
  }

  /** A defect in here: it ends this viewer only. */
  #fail({ message, stack }: Error): void {
    this.#options.log.error({ code: "INTERNAL", error: message, stack }, "a viewer's request failed");
    this.#ws.close(1011, "internal error");
  }
}
