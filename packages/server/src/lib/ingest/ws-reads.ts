import type { Socket } from "node:net";
import type { BatchBounds } from "../kernel/batch-clock.ts";
import { FastLane } from "./ws-fast-lane.ts";
import type { WsSocket } from "./ws-socket.ts";
import type { WsThrottle } from "./ws-throttle.ts";

/** What a device's socket brings, read by read, brought past ws where that is possible. */
export class WsReads {
  readonly #socket: Socket;
  readonly #throttle: WsThrottle;
  readonly #lane: FastLane;
  readonly #batches: BatchBounds | undefined;
  /** Bytes that did not come by the socket's stream. */
  #polledBytes = 0;

  /**
   * Takes over from ws, which has just been given the socket.
   *
   * @param onMessage - takes each binary message that does not come by ws; the bytes are not used after it returns
   * @param batches - told of the bounds of each read
   */
  constructor(
    parts: { readonly ws: WsSocket; readonly socket: Socket; readonly throttle: WsThrottle },
    maxMessageBytes: number,
    onMessage: (payload: Uint8Array) => void,
    batches?: BatchBounds,
  ) {
    const { ws, socket, throttle } = parts;
    this.#socket = socket;
    this.#throttle = throttle;
    this.#batches = batches;
    const receivers = socket.listeners("data") as ((bytes: Buffer) => void)[];
    for (const receiver of receivers) socket.removeListener("data", receiver);
    this.#lane = new FastLane({
      ...{ maxMessageBytes, onMessage },
      passOn: (bytes) => {
        for (const receiver of receivers) receiver.call(socket, bytes);
      },
    });
    ws.on("error", () => this.#lane.close());
    // A socket that closes while it is held up has bytes left, which ws would take as they are.
    socket.prependListener("close", () => this.#takeRest());
  }

  /** Bytes that came so far. */
  get bytesRead(): number {
    return this.#socket.bytesRead + this.#polledBytes;
  }

  /** Takes what the socket's stream brought. */
  readonly take = (bytes: Buffer): void => {
    this.#batches?.begin();
    try {
      this.#lane.take(bytes);
    } finally {
      this.#batches?.end();
    }
    this.#throttle.onRead(bytes.byteLength);
  };

  /** Takes what was read past the stream; the bytes may be written over once it returns. */
  readonly takePolled = (bytes: Buffer): void => {
    this.#polledBytes += bytes.byteLength;
    this.take(bytes);
  };

  #takeRest(): void {
    const rest: Buffer | null = this.#socket.read();
    if (rest !== null) this.#lane.take(rest);
  }
}
