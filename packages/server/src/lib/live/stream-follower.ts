import type { LiveHub } from "./live-hub.ts";
import type { DeviceRequest, ListenRequest, StreamMessage } from "./live-messages.ts";
import { formatHwid, parseHwid } from "./live-request.ts";
import type { ViewerPort } from "./viewer-port.ts";
import type { WatchedDevice } from "./watched-device.ts";
import type { SampleConsumer, WatchedStream } from "./watched-stream.ts";

/** Follows one stream of a device from session to session, and tells the viewer of each change. */
export class StreamFollower<Consumer extends SampleConsumer> {
  readonly #request: DeviceRequest | ListenRequest;
  readonly #hub: LiveHub;
  readonly #port: ViewerPort;
  readonly #device: WatchedDevice;
  readonly #createConsumer: (stream: WatchedStream) => Consumer;
  readonly #onChange = () => this.#look();
  #stream: WatchedStream | undefined;
  #consumer: Consumer | undefined;
  #told = "";

  /** @param createConsumer - makes the one that takes a stream's samples */
  constructor(
    request: DeviceRequest | ListenRequest,
    hub: LiveHub,
    port: ViewerPort,
    createConsumer: (stream: WatchedStream) => Consumer,
  ) {
    this.#request = request;
    this.#hub = hub;
    this.#port = port;
    this.#createConsumer = createConsumer;
    this.#device = hub.acquire(parseHwid(request.hwid));
    this.#device.observe(this.#onChange);
    this.#look();
  }

  /** The stream that is being received, if one is. */
  get stream(): WatchedStream | undefined {
    return this.#stream;
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  #look(): void {
    const stream = this.#device.newest(this.#request.stream_id);
    const isOther = stream !== this.#stream;
    if (isOther) this.#letGo();
    this.#tell(stream);
    if (!isOther || stream === undefined) return;
    this.#stream = stream;
    this.#consumer = this.#createConsumer(stream);
    stream.add(this.#consumer);
  }

  #tell(stream: WatchedStream | undefined): void {
    const { streamIds, hwid } = this.#device;
    const message: StreamMessage = {
      type: "stream",
      id: this.#request.id,
      hwid: formatHwid(hwid),
      stream: stream?.facts ?? null,
      stream_ids: streamIds,
    };
    const text = JSON.stringify(message);
    if (text === this.#told) return;
    this.#told = text;
    this.#port.tell(message);
  }

  #letGo(): void {
    if (this.#consumer !== undefined) this.#stream?.remove(this.#consumer);
    this.#consumer?.end();
    this.#stream = undefined;
    this.#consumer = undefined;
  }

  close(): void {
    this.#letGo();
    this.#device.unobserve(this.#onChange);
    this.#hub.release(this.#device);
  }
}
