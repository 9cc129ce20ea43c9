import { type CloseResult, type FrameStream, openFrameStream } from "@eet/client";
import type { StreamFormat } from "@eet/protocol";
import { seededRandom } from "./seeded-random.ts";

/** Wall time between two frames of a device. */
const tickMs = 10;
/** Every device's frames hold 20 ms: they come at twice the speed of sound. */
export const fleetFrameMs = 20;

const formats: readonly StreamFormat[] = [
  { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
  { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
  { codec: "adpcm", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 },
  { codec: "pcm16", sampleRateHz: 48_000, channels: 2, frameSampleCount: 960 },
];

const noise = makeNoise(64 * 1024);

function makeNoise(byteCount: number): Uint8Array {
  const random = seededRandom(1);
  return Uint8Array.from({ length: byteCount }, () => Math.floor(random() * 256));
}

interface Device {
  readonly hwid: string;
  readonly format: StreamFormat;
  readonly stream: FrameStream;
  frameCount: number;
  isWaiting: boolean;
}

/** Devices of several formats that send at a steady pace until the server or the test ends them. */
export class DeviceFleet implements AsyncDisposable {
  readonly #devices: readonly Device[];
  readonly #abort: AbortController;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: { readonly tickCount: number; readonly resolve: () => void }[] = [];
  #tickCount = 0;

  private constructor(devices: readonly Device[], abort: AbortController) {
    this.#devices = devices;
    this.#abort = abort;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Connects the devices `{name}-0` and so on; all send from now on. */
  static async open(url: string, name: string, deviceCount: number): Promise<DeviceFleet> {
    const abort = new AbortController();
    const devices = await Promise.all(
      Array.from({ length: deviceCount }, async (_, streamId): Promise<Device> => {
        const format = formatOf(streamId);
        const hwid = `${name}-${streamId}`;
        const options = { url, hwid, streamId, format, timestampMs: 0, signal: abort.signal };
        return { hwid, format, stream: await openFrameStream(options), frameCount: 0, isWaiting: false };
      }),
    );
    return new DeviceFleet(devices, abort);
  }

  get hwids(): readonly string[] {
    return this.#devices.map(({ hwid }) => hwid);
  }

  /** Frames handed to the sockets so far. */
  get frameCount(): number {
    return this.#devices.reduce((sum, { frameCount }) => sum + frameCount, 0);
  }

  #tick(): void {
    for (const device of this.#devices) {
      if (!device.isWaiting) sendFrame(device);
    }
    this.#tickCount += 1;
    for (const { resolve } of this.#waiting.filter(({ tickCount }) => tickCount === this.#tickCount)) resolve();
  }

  /** Resolves when each device has had its turn so many times. */
  ticked(tickCount: number): Promise<void> {
    if (tickCount <= this.#tickCount) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ tickCount, resolve }));
  }

  /** Stops sending. @returns how each connection ended, once the server has ended all of them */
  ended(): Promise<readonly CloseResult[]> {
    clearInterval(this.#timer);
    return Promise.all(this.#devices.map(({ stream }) => stream.closed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.ended();
  }
}

function sendFrame(device: Device): void {
  const sending = device.stream.send(fleetPayload(device.hwid, device.frameCount));
  device.frameCount += 1;
  if (sending === undefined) return;
  device.isWaiting = true;
  sending.then(
    () => {
      device.isWaiting = false;
    },
    // The connection is gone: `closed` tells how.
    () => {},
  );
}

function formatOf(streamId: number): StreamFormat {
  const format = formats[streamId % formats.length];
  if (format === undefined) throw new RangeError(`stream ${streamId} has no format`);
  return format;
}

/** What a device of a fleet sends with a seq; no two frames of a device are alike. */
export function fleetPayload(hwid: string, seq: number): Uint8Array {
  const streamId = Number(hwid.slice(hwid.lastIndexOf("-") + 1));
  const { codec, channels, frameSampleCount } = formatOf(streamId);
  const payloadBytes = codec === "pcm16" ? frameSampleCount * channels * 2 : 4 + frameSampleCount / 2;
  const start = (seq * 37 + streamId * 4099) % (noise.length - payloadBytes);
  const payload = noise.slice(start, start + payloadBytes);
  // The header of an ADPCM frame: predictor, step index, 0.
  if (codec === "adpcm") payload.set([seq & 255, seq >> 8, seq % 89, 0]);
  return payload;
}
