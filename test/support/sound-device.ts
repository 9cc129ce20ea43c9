import { once } from "node:events";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import { WebSocket } from "ws";

/** What a simulated device plays, again and again. */
export interface DeviceSound {
  readonly format: StreamFormat;
  /** One frame each. */
  readonly payloads: readonly Uint8Array[];
  /** Frames that get lost on the way. */
  readonly isLost?: (seq: number) => boolean;
}

/** A plain device that plays a sound at its true speed. Disposing of it disconnects it. */
export class SoundDevice implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #sound: DeviceSound;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt: number;
  #seq = 0;

  private constructor(socket: WebSocket, sound: DeviceSound, earlierMs: number) {
    this.#socket = socket;
    this.#sound = sound;
    this.#startedAt = performance.now() - earlierMs;
    const { frameSampleCount, sampleRateHz } = sound.format;
    const frameMs = (frameSampleCount * 1000) / sampleRateHz;
    this.#timer = setInterval(() => this.#play(frameMs), frameMs);
  }

  /**
   * @param url - as `ws://host:port/ws`
   * @param earlierMs - how long it has played already: that comes at once
   */
  static async open(url: string, hwid: string, sound: DeviceSound, streamId = 1, earlierMs = 0): Promise<SoundDevice> {
    const socket = new WebSocket(`${url}/${hwid}`, { perMessageDeflate: false });
    // A server that goes takes its devices along.
    socket.on("error", () => {});
    await once(socket, "open");
    socket.send(formatHandshake({ streamId, format: sound.format, timestampMs: BigInt(Date.now() - earlierMs) }));
    return new SoundDevice(socket, sound, earlierMs);
  }

  /** Whether it is connected. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #play(frameMs: number): void {
    const due = Math.floor((performance.now() - this.#startedAt) / frameMs);
    const { format, payloads, isLost } = this.#sound;
    while (this.#seq < due && this.#socket.readyState === WebSocket.OPEN) {
      const payload = payloads[this.#seq % payloads.length];
      if (payload !== undefined && isLost?.(this.#seq) !== true) {
        this.#socket.send(formatFrame(format.codec, this.#seq, payload));
      }
      this.#seq += 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    // `once` would reject for an error that comes before the end.
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await closed;
  }
}

/**
 * Sends the first frames of a sound as fast as the server takes them, then closes.
 *
 * @param endMs - when it was over; default: a second ago, so that nothing of it lies ahead
 */
export async function sendSound(
  url: string,
  hwid: string,
  sound: DeviceSound,
  frameCount: number,
  endMs: number = Date.now() - 1_000,
): Promise<void> {
  const { format, payloads, isLost } = sound;
  const socket = new WebSocket(`${url}/${hwid}`, { perMessageDeflate: false });
  await once(socket, "open");
  const { frameSampleCount, sampleRateHz } = format;
  const startMs = endMs - Math.ceil((frameCount * frameSampleCount * 1000) / sampleRateHz);
  socket.send(formatHandshake({ streamId: 1, format, timestampMs: BigInt(startMs) }));
  for (let seq = 0; seq < frameCount; seq += 1) {
    const payload = payloads[seq % payloads.length];
    if (payload !== undefined && isLost?.(seq) !== true) socket.send(formatFrame(format.codec, seq, payload));
  }
  socket.close();
  await once(socket, "close");
}
