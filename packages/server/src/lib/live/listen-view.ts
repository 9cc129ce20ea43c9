import { formatAudio } from "./binary-messages.ts";
import type { Break } from "./level-blocks.ts";
import type { LiveHub, Ticking } from "./live-hub.ts";
import type { ListenRequest } from "./live-messages.ts";
import { StreamFollower } from "./stream-follower.ts";
import type { ViewerPort } from "./viewer-port.ts";
import type { SampleConsumer, WatchedStream } from "./watched-stream.ts";

/** Audio of smaller frames is gathered, until the next tick at the longest. */
const minMessageMs = 20;

/** A subscription to the audio of one device. */
export class ListenView implements Ticking {
  readonly #hub: LiveHub;
  readonly #follower: StreamFollower<AudioSender>;

  constructor(request: ListenRequest, hub: LiveHub, port: ViewerPort) {
    this.#hub = hub;
    this.#follower = new StreamFollower(request, hub, port, (stream) => new AudioSender(request.id, stream, port));
    hub.add(this);
  }

  tick(): void {
    this.#follower.consumer?.send();
  }

  close(): void {
    this.#hub.remove(this);
    this.#follower.close();
  }
}

/** Sends audio as it comes. */
class AudioSender implements SampleConsumer {
  readonly #id: number;
  readonly #port: ViewerPort;
  readonly #format: WatchedStream["record"]["format"];
  /** Copies, one behind the other. */
  #pieces: Int16Array[] = [];
  /** First sample of {@link #pieces}. */
  #start = 0;
  /** Samples per channel in {@link #pieces}. */
  #count = 0;
  #before: Break = { isGap: false, isSkip: false };
  #hasSkipped = false;

  constructor(id: number, { record }: WatchedStream, port: ViewerPort) {
    this.#id = id;
    this.#format = record.format;
    this.#port = port;
  }

  take(samples: Int16Array, at: number, before: Break): void {
    if (before.isGap || before.isSkip) this.send();
    if (this.#pieces.length === 0) {
      this.#start = at;
      this.#before = before;
    }
    this.#pieces.push(samples.slice());
    this.#count += samples.length / this.#format.channels;
    if (this.#count * 1000 >= minMessageMs * this.#format.sampleRateHz) this.send();
  }

  end(): void {
    this.send();
  }

  /** Sends what was gathered. */
  send(): void {
    if (this.#pieces.length === 0) return;
    const { sampleRateHz, channels } = this.#format;
    const { isGap: isAfterGap, isSkip } = this.#before;
    const isAfterSkip = isSkip || this.#hasSkipped;
    const piece = { sampleRateHz, channels, start: this.#start, pieces: this.#pieces, isAfterGap, isAfterSkip };
    this.#hasSkipped = !this.#port.show(() => formatAudio(this.#id, piece));
    this.#pieces = [];
    this.#count = 0;
  }
}
