import { setImmediate as nextTurn } from "node:timers/promises";
import type { AdpcmLayout, Hwid } from "@eet/protocol";
import { remoteOf } from "../kernel/forwarded-client.ts";
import { AckIntervals } from "./ack-intervals.ts";
import type { Arrival, ChangeableIngress, ConnectionObserver, ConnectionTaker, Upgrade } from "./connection-taker.ts";
import { defaultIngressLimits, type IngressLimits } from "./ingress-limits.ts";
import { type DeviceLinkContext, WsDeviceLink } from "./ws-device-link.ts";
import { WsLinks } from "./ws-links.ts";
import { ReadCoalescer } from "./ws-read-coalescer.ts";

/** Finer than any timeout it serves, coarse enough to cost nothing. */
const sweepIntervalMs = 1_000;

/** What devices' connections need; see {@link DeviceLinkContext} for the rest. */
export interface DeviceLinksOptions
  extends Omit<DeviceLinkContext, "ackIntervals" | "maxMessageBytes" | "onHandshake" | "coalescer">,
    Partial<IngressLimits> {
  /** Received data is synced at least this often. */
  readonly flushIntervalMs: number;
  /** Longest time for which a socket is left unread while many send; 0 for never. */
  readonly coalesceMs: number;
  /** Configured layout of a device's multichannel ADPCM. [P-1.7] */
  adpcmLayoutOf?(hwid: Hwid | null): AdpcmLayout | undefined;
  /** What was handed over and is not on disk yet. */
  queuedBytes?(): number;
}

/** The connections of devices, from their upgrade on, which hand what they bring to a `SessionSink`. */
export class DeviceLinks implements ConnectionTaker {
  readonly #options: DeviceLinksOptions;
  readonly #context: Omit<DeviceLinkContext, "onHandshake" | "coalescer">;
  readonly #links: WsLinks;
  readonly #coalescer: ReadCoalescer;
  #sweepTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DeviceLinksOptions) {
    const { maxMessageBytes = defaultIngressLimits.maxMessageBytes } = options;
    this.#options = options;
    this.#links = new WsLinks(options);
    this.#coalescer = new ReadCoalescer(options.coalesceMs);
    this.#context = { ...options, ackIntervals: new AckIntervals(options.clock, options), maxMessageBytes };
  }

  get waitingBytes(): number {
    return (this.#options.queuedBytes?.() ?? 0) + this.#links.partialBytes;
  }

  /** Begins to look at the clock. */
  start(): void {
    this.#sweepTimer ??= setInterval(() => this.sweep(), sweepIntervalMs).unref();
  }

  /**
   * Lets each connection look at the clock: handshake, liveness and pause limits, and how much it may bring. Runs by itself
   * once a second.
   */
  sweep(): void {
    this.#links.sweep();
  }

  refusalOf(): undefined {
    return undefined;
  }

  take({ connectionId, hwid }: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void {
    const { request } = upgrade;
    const adpcmLayout = this.#options.adpcmLayoutOf?.(hwid);
    const remote = remoteOf(request);
    const context = { ...this.#context, coalescer: this.#coalescer, onHandshake: () => observer.onHandshake() };
    this.#links.open(connectionId, upgrade, observer, (parts) => {
      const peer = { connectionId, hwid, adpcmLayout, subprotocol: parts.ws.protocol, remote };
      return new WsDeviceLink(parts, peer, context);
    });
  }

  expel(...ending: Parameters<ConnectionTaker["expel"]>): void {
    this.#links.expel(...ending);
  }

  change(limits: ChangeableIngress): void {
    this.#links.change(limits);
  }

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
    await this.#links.stop();
    this.#context.ackIntervals.close();
  }
}
