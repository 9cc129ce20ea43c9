import type { LiveStream } from "@eet/server/api-types";
import { signal } from "@preact/signals";
import { type DeviceLevels, liveKinds, parseDeviceLevels, parseSpectrum } from "../api/live-frames.ts";
import { live } from "../api/page-live.ts";
import { LevelHistory } from "../fleet/level-history.ts";
import type { LivePicture } from "./live-picture.ts";

/** Bins of a spectrum column. */
export const binCount = 256;

/** What is live of one device. */
export class DeviceLive {
  /** The session that is received; `null`: none; `undefined`: not known yet. */
  readonly stream = signal<LiveStream | null | undefined>(undefined);
  /** Streams that are received. */
  readonly streamIds = signal<readonly number[]>([]);
  /** Stream that is asked for; `undefined`: the one that began last. */
  readonly chosenStreamId = signal<number | undefined>(undefined);
  readonly hwid: string;
  /** What was heard of it since it is looked at. */
  readonly heard = new LevelHistory();
  readonly #subscription;
  #picture: LivePicture | undefined;
  #onLevels: ((levels: DeviceLevels) => void) | undefined;

  constructor(hwid: string) {
    this.hwid = hwid;
    this.#subscription = live.subscribe(
      { type: "device", hwid, spectrum_bins: binCount },
      {
        onMessage: (message) => {
          if (message.type !== "stream") return;
          this.streamIds.value = message.stream_ids;
          this.stream.value = message.stream;
          if (message.stream !== null) this.#picture?.begin(message.stream);
        },
        onBinary: (message) => this.#take(message),
      },
    );
  }

  /** Shows what comes. */
  show(picture: LivePicture, onLevels: (levels: DeviceLevels) => void): void {
    this.#picture = picture;
    this.#onLevels = onLevels;
    const stream = this.stream.peek();
    if (stream) picture.begin(stream);
  }

  /** Asks for another stream of the device. */
  choose(streamId: number): void {
    this.chosenStreamId.value = streamId;
    this.stream.value = undefined;
    this.#subscription.update({ type: "device", hwid: this.hwid, stream_id: streamId, spectrum_bins: binCount });
  }

  close(): void {
    this.#subscription.close();
  }

  #take(message: DataView<ArrayBuffer>): void {
    const kind = message.getUint8(0);
    if (kind === liveKinds.spectrum) this.#picture?.takeSpectrum(parseSpectrum(message));
    if (kind !== liveKinds.deviceLevels) return;
    const levels = parseDeviceLevels(message);
    const highest = (one: "peakDbfs" | "rmsDbfs") => Math.max(...levels.channels.map((channel) => channel[one]));
    this.heard.take(highest("peakDbfs"), highest("rmsDbfs"), levels.flags, Date.now());
    this.#picture?.takeLevels(levels);
    this.#onLevels?.(levels);
  }
}
