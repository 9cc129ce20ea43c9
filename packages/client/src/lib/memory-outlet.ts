import { type AudioAmount, AudioTally } from "./audio-amount.ts";
import { Courier, type CourierPlan } from "./courier.ts";
import type { BufferedAmount, Outlet, OutletEvents } from "./outlet.ts";
import { type HeldFrame, type SendTallies, SendWindow, type SendWindowOptions } from "./send-window.ts";
import type { DeliveryMode, LinkState } from "./session-state.ts";
import { UploadTally } from "./upload-tally.ts";

/** What an outlet in memory is made from. */
export interface MemoryOutletPlan
  extends Omit<CourierPlan, "window" | "uploads" | "droppedFrameCount" | "startMs">,
    Omit<SendWindowOptions, "tallies"> {
  readonly tallies: SendTallies;
  /** Wall clock of the next frame that will be taken; 0 when unknown. */
  readonly nextStartMs: () => number;
}

/** Tallies at nought. */
export function makeTallies(): SendTallies {
  return { written: new AudioTally(), sent: new AudioTally(), durable: new AudioTally(), dropped: new AudioTally() };
}

/** Keeps frames in memory and has them delivered by one courier. */
export class MemoryOutlet implements Outlet {
  readonly #window: SendWindow;
  readonly #uploads: UploadTally;
  readonly #courier: Courier;
  readonly #events: OutletEvents;

  constructor(plan: MemoryOutletPlan, events: OutletEvents) {
    const { tallies, nextStartMs } = plan;
    const window = new SendWindow(plan);
    this.#window = window;
    this.#events = events;
    this.#uploads = new UploadTally(tallies.durable);
    this.#courier = new Courier(
      {
        ...plan,
        window,
        uploads: this.#uploads,
        droppedFrameCount: () => tallies.dropped.frameCount,
        startMs: () => window.oldest?.captured.captureMs ?? nextStartMs(),
      },
      events,
    );
  }

  get state(): LinkState {
    return this.#courier.state;
  }

  get delivery(): DeliveryMode | undefined {
    return this.#courier.delivery;
  }

  get connectionCount(): number {
    return this.#courier.connectionCount;
  }

  get isSlowedDown(): boolean {
    return this.#courier.isSlowedDown;
  }

  get maxMessageBytes(): number {
    return this.#courier.maxMessageBytes;
  }

  get hasRoom(): boolean {
    return !this.#window.isFull;
  }

  get buffered(): BufferedAmount {
    const { heldCount, heldSampleCount, heldBytes } = this.#window;
    return { frameCount: heldCount, sampleCount: heldSampleCount, byteCount: heldBytes };
  }

  get backlog(): undefined {
    return undefined;
  }

  get uploaded(): AudioAmount | undefined {
    return this.#uploads.isKnown ? this.#uploads.amount : undefined;
  }

  start(): void {
    this.#courier.start();
  }

  take(frame: HeldFrame): void {
    this.#window.append(frame);
    this.#courier.start();
    this.#courier.pump();
  }

  makeRoom(): void {
    while (this.#window.isFull) this.#window.dropOldest();
    this.#events.onProgress();
  }

  finish(): void {
    this.#courier.finish();
  }

  connectNow(): void {
    this.#courier.connectNow();
  }

  abort(): void {
    this.#courier.abort();
  }
}
