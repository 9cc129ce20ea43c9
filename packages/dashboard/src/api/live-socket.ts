import type {
  DeviceRequest,
  FleetMessage,
  FleetRequest,
  ListenRequest,
  LiveMessage,
  PastMessage,
  PastRequest,
  StreamMessage,
} from "@eet/server/api-types";
import { type ReadonlySignal, signal } from "@preact/signals";

/** How the connection fares. `idle`: nobody needs it; `waiting`: it was lost or refused, and is tried again until it is open. */
export type LiveState = "idle" | "connecting" | "open" | "waiting";

type Request = FleetRequest | DeviceRequest | ListenRequest | PastRequest;
/** A request without the id, which the socket gives. */
export type LiveAsk =
  | Omit<FleetRequest, "id">
  | Omit<DeviceRequest, "id">
  | Omit<ListenRequest, "id">
  | Omit<PastRequest, "id">;

/** Who is told what a subscription brings. */
export interface LiveListener {
  onMessage(message: FleetMessage | StreamMessage | PastMessage): void;
  /** @param message - starts with the kind, see `liveMessageKinds` */
  onBinary(message: DataView<ArrayBuffer>): void;
  /** The connection was lost, or nothing has come through it for too long. */
  onLost?(): void;
}

/** Something that is asked for until it is closed, over all connections. */
export interface LiveSubscription {
  /** Asks for something else of the same kind. */
  update(ask: LiveAsk): void;
  close(): void;
}

const firstWaitMs = 500;
const maxWaitMs = 15_000;
/** A view that is left and entered again goes on with the same connection. */
const lingerMs = 3_000;
const defaultSilenceMs = 30_000;
/** Largest id of a subscription. */
const maxId = 65_535;

/** One WebSocket to `/api/v1/live` for all views: open while something is subscribed and the page is visible. */
export class LiveSocket {
  readonly #url: string;
  readonly #state = signal<LiveState>("idle");
  readonly #subscriptions = new Map<number, { request: Request; readonly listener: LiveListener }>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #failureCount = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceMs = defaultSilenceMs;
  #isHidden = false;
  #clockAheadMs = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get state(): ReadonlySignal<LiveState> {
    return this.#state;
  }

  /** How far the server's clock is ahead of this one, less what a message takes; 0 until it has told. */
  get clockAheadMs(): number {
    return this.#clockAheadMs;
  }

  /** Asks for something; what comes goes to the listener. */
  subscribe(ask: LiveAsk, listener: LiveListener): LiveSubscription {
    const id = this.#takeId();
    this.#subscriptions.set(id, { request: { ...ask, id } as Request, listener });
    this.#send(id);
    this.#ensure();
    return {
      update: (next) => {
        const entry = this.#subscriptions.get(id);
        if (entry === undefined) return;
        entry.request = { ...next, id } as Request;
        this.#send(id);
      },
      close: () => {
        if (!this.#subscriptions.delete(id)) return;
        if (this.#isOpen) this.#socket?.send(JSON.stringify({ type: "stop", id }));
        if (this.#subscriptions.size === 0) this.#lingerTimer = setTimeout(() => this.#ensure(), lingerMs);
      },
    };
  }

  /** Ids go round: what has been subscribed for long keeps its own. */
  #takeId(): number {
    while (this.#subscriptions.has(this.#nextId)) this.#nextId = (this.#nextId % maxId) + 1;
    const id = this.#nextId;
    this.#nextId = (id % maxId) + 1;
    return id;
  }

  /** Nobody sees a hidden page: it needs no connection, unless it plays. */
  setHidden(isHidden: boolean): void {
    this.#isHidden = isHidden;
    this.#ensure();
  }

  /** Tries at once instead of waiting. */
  retryNow(): void {
    if (this.#state.value !== "waiting" || this.#socket !== undefined) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get #isNeeded(): boolean {
    const requests = [...this.#subscriptions.values()].map(({ request }) => request);
    return requests.length > 0 && (!this.#isHidden || requests.some(({ type }) => type === "listen"));
  }

  #ensure(): void {
    clearTimeout(this.#lingerTimer);
    if (!this.#isNeeded) this.#disconnect("idle");
    else if (this.#state.value === "idle") this.#connect();
  }

  #connect(): void {
    if (this.#state.value === "idle") this.#state.value = "connecting";
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#watchSilence();
    socket.addEventListener("message", (event) => {
      if (this.#socket === socket) this.#receive(event.data as string | ArrayBuffer);
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#lose();
    });
  }

  #receive(data: string | ArrayBuffer): void {
    this.#watchSilence();
    if (typeof data === "string") {
      this.#take(JSON.parse(data) as LiveMessage);
    } else {
      const view = new DataView(data);
      this.#subscriptions.get(view.getUint16(2, true))?.listener.onBinary(view);
    }
  }

  #take(message: LiveMessage): void {
    if ("server_ms" in message) this.#clockAheadMs = message.server_ms - Date.now();
    if (message.type === "hello") {
      this.#silenceMs = message.heartbeat_ms * 3;
      this.#failureCount = 0;
      this.#state.value = "open";
      for (const id of this.#subscriptions.keys()) this.#send(id);
    } else if (message.type === "fleet" || message.type === "stream" || message.type === "past") {
      this.#subscriptions.get(message.id)?.listener.onMessage(message);
    } else if (message.type === "error") {
      console.warn("live:", message.code, message.detail);
    }
  }

  #send(id: number): void {
    const entry = this.#subscriptions.get(id);
    if (entry !== undefined && this.#isOpen && this.#state.value === "open") {
      this.#socket?.send(JSON.stringify(entry.request));
    }
  }

  #watchSilence(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#lose(), this.#silenceMs);
  }

  #lose(): void {
    this.#disconnect("waiting");
    for (const { listener } of this.#subscriptions.values()) listener.onLost?.();
    const maxMs = Math.min(maxWaitMs, firstWaitMs * 2 ** this.#failureCount);
    this.#failureCount += 1;
    // Spread, so that a server that comes back does not get all pages at once.
    this.#retryTimer = setTimeout(() => this.#connect(), maxMs * (0.5 + Math.random() / 2));
  }

  #disconnect(state: "idle" | "waiting"): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#state.value = state;
  }
}
