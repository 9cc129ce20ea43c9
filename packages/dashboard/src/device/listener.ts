import type { LiveStream } from "@eet/server/api-types";
import { type ReadonlySignal, signal } from "@preact/signals";
import { liveKinds, parseAudio } from "../api/live-frames.ts";
import type { LiveSubscription } from "../api/live-socket.ts";
import { live } from "../api/page-live.ts";
import { FramePlayer } from "./frame-player.ts";
import { SoundOutput } from "./sound-output.ts";

/** `waiting`: nothing comes at the moment. */
export type ListenState = "off" | "starting" | "playing" | "waiting";

const dryMs = 1_500;
/** Where the rate is not known yet. */
const usualRateHz = 48_000;

/** Plays a device live; it needs nothing that browsers keep for https. */
export class Listener {
  readonly state = signal<ListenState>("off");
  readonly #output = new SoundOutput();
  #hwid = "";
  #streamId: number | undefined;
  /** Of the session that is played. */
  #session: string | undefined;
  #player: FramePlayer | undefined;
  #subscription: LiveSubscription | undefined;
  #dryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Whether the browser lets nothing be heard: then it needs {@link resume}. */
  get isHeld(): ReadonlySignal<boolean> {
    return this.#output.isHeld;
  }

  /**
   * To be called by a click or key: browsers play nothing else.
   *
   * @param streamId - `undefined`: the one that began last
   * @param sampleRateHz - as far as it is known already
   */
  start(hwid: string, streamId: number | undefined, sampleRateHz: number = usualRateHz): void {
    if (this.state.value !== "off") return;
    this.state.value = "starting";
    this.#output.open(sampleRateHz);
    this.#hwid = hwid;
    this.#streamId = streamId;
    this.#subscription = live.subscribe(this.#request, {
      onMessage: (message) => {
        if (message.type === "stream") this.#follow(message.stream);
      },
      onBinary: (message) => {
        if (message.getUint8(0) === liveKinds.audio) this.#take(message);
      },
      onLost: () => this.#wait(),
    });
  }

  /** To be called by a click or key, where {@link isHeld}. */
  resume(): void {
    this.#output.resume();
  }

  /** Goes on with another stream of the device. */
  choose(streamId: number | undefined): void {
    if (streamId === this.#streamId) return;
    this.#streamId = streamId;
    this.#subscription?.update(this.#request);
  }

  get #request() {
    const stream = this.#streamId === undefined ? {} : { stream_id: this.#streamId };
    return { type: "listen", hwid: this.#hwid, ...stream } as const;
  }

  stop(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    clearTimeout(this.#dryTimer);
    this.#output.shut();
    this.#player = undefined;
    this.#session = undefined;
    this.state.value = "off";
  }

  close(): void {
    this.stop();
    this.#output.close();
  }

  /** The server tells of the same session again whenever something of the device changes: that goes on. */
  #follow(stream: LiveStream | null): void {
    if (stream === null) {
      this.#player?.flush();
      this.#wait();
    } else if (stream.session !== this.#session) {
      this.#player?.stop();
      this.#output.open(stream.sample_rate_hz);
      this.#session = stream.session;
      this.#player = new FramePlayer(this.#output, stream.sample_rate_hz);
    }
  }

  #wait(): void {
    if (this.state.value !== "off") this.state.value = "waiting";
  }

  #take(message: DataView): void {
    if (this.#player?.take(parseAudio(message))) this.state.value = "playing";
    clearTimeout(this.#dryTimer);
    this.#dryTimer = setTimeout(() => this.#wait(), dryMs);
  }
}
