import type { LiveMessage, LiveRequest, StreamMessage } from "@eet/server/api-types";
import { type ClientOptions, WebSocket } from "ws";
import { Conditions } from "./conditions.ts";

/** One device's entry in a message of the fleet's levels; dB relative to full scale. */
export interface FleetEntry {
  readonly id: number;
  readonly index: number;
  readonly peakDbfs: number;
  readonly rmsDbfs: number;
  readonly flags: number;
}

/** Levels of one device's channels. */
export interface DeviceLevels {
  readonly id: number;
  readonly endSample: number;
  readonly clippedCount: number;
  readonly flags: number;
  readonly channels: readonly { readonly peakDbfs: number; readonly rmsDbfs: number; readonly holdDbfs: number }[];
}

export interface SpectrumRun {
  readonly id: number;
  readonly start: number;
  readonly columnSamples: number;
  readonly columns: readonly Uint8Array[];
}

export interface AudioPiece {
  readonly id: number;
  readonly channels: number;
  readonly flags: number;
  readonly start: number;
  readonly sampleRateHz: number;
  /** Interleaved. */
  readonly samples: Int16Array;
}

const headerBytes = 24;

/** A viewer of the live side: keeps all that comes. It knows the messages by docs/live.md alone. */
export class LiveViewer implements AsyncDisposable {
  readonly texts: LiveMessage[] = [];
  readonly fleet: FleetEntry[] = [];
  readonly levels: DeviceLevels[] = [];
  readonly spectra: SpectrumRun[] = [];
  readonly audio: AudioPiece[] = [];
  /** Values in all of {@link audio}. */
  heardCount = 0;
  /** Code and reason of the end. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly socket: WebSocket;
  readonly #conditions = new Conditions(
    () => `${this.texts.length} texts, the last ${JSON.stringify(this.texts.at(-1))}, ${this.audio.length} of audio`,
  );

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        this.#conditions.end("the viewer's connection is closed");
        resolve({ code, reason: String(reason) });
      });
    });
    // `close` follows.
    socket.on("error", () => {});
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#read(data);
      else this.texts.push(JSON.parse(String(data)));
      this.#conditions.check();
    });
  }

  /** Connects, and waits for the greeting. */
  static async open(port: number, options: ClientOptions = {}): Promise<LiveViewer> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { perMessageDeflate: false, ...options });
    const viewer = new LiveViewer(socket);
    await viewer.until("the server greets", () => viewer.texts.length > 0);
    return viewer;
  }

  ask(request: LiveRequest): void {
    this.socket.send(JSON.stringify(request));
  }

  /** Asks, and waits for the answer. */
  async request<Request extends LiveRequest>(request: Request): Promise<void> {
    const count = this.texts.length;
    this.ask(request);
    await this.until(`${request.type} is answered`, () =>
      this.texts.slice(count).some((text) => "id" in text && text.id === request.id && mayAnswer(text, request)),
    );
  }

  /** The last text of a type. */
  last<Type extends LiveMessage["type"]>(type: Type): Extract<LiveMessage, { readonly type: Type }> | undefined {
    return this.texts.findLast((text): text is Extract<LiveMessage, { readonly type: Type }> => text.type === type);
  }

  /** What was told last of the stream of a subscription. */
  stream(id: number): StreamMessage["stream"] | undefined {
    return this.texts.findLast((text): text is StreamMessage => text.type === "stream" && text.id === id)?.stream;
  }

  /** Samples that came of a subscription, interleaved, without what lies between pieces. */
  samplesOf(id: number): readonly number[] {
    return this.audio.filter((piece) => piece.id === id).flatMap(({ samples }) => [...samples]);
  }

  /** Waits until something holds. @param what - completes "it did not come that ..." */
  until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    return this.#conditions.until(what, isSo, deadlineMs);
  }

  #read(data: Buffer): void {
    const kind = data.readUInt8(0);
    const id = data.readUInt16LE(2);
    if (kind === 1) this.#readFleet(data, id);
    else if (kind === 2) this.#readLevels(data, id);
    else if (kind === 3) this.#readSpectrum(data, id);
    else if (kind === 4) this.#readAudio(data, id);
    else throw new RangeError(`a binary message of kind ${kind} came`);
  }

  #readFleet(data: Buffer, id: number): void {
    for (let at = 4; at < data.length; at += 8) {
      const [index, flags] = [data.readUInt16LE(at), data.readUInt8(at + 6)];
      this.fleet.push({ id, index, peakDbfs: readDb(data, at + 2), rmsDbfs: readDb(data, at + 4), flags });
    }
  }

  #readLevels(data: Buffer, id: number): void {
    const channels = Array.from({ length: data.readUInt8(21) }, (_, channel) => {
      const at = headerBytes + channel * 6;
      return { peakDbfs: readDb(data, at), rmsDbfs: readDb(data, at + 2), holdDbfs: readDb(data, at + 4) };
    });
    const [endSample, clippedCount] = [data.readDoubleLE(8), data.readUInt32LE(16)];
    this.levels.push({ id, endSample, clippedCount, flags: data.readUInt8(20), channels });
  }

  #readSpectrum(data: Buffer, id: number): void {
    const binCount = data.readUInt16LE(4);
    const columns = Array.from({ length: data.readUInt16LE(6) }, (_, index) =>
      data.subarray(headerBytes + index * binCount, headerBytes + (index + 1) * binCount),
    );
    this.spectra.push({ id, start: data.readDoubleLE(8), columnSamples: data.readUInt32LE(16), columns });
  }

  #readAudio(data: Buffer, id: number): void {
    const channels = data.readUInt8(4);
    const samples = new Int16Array(data.readUInt32LE(20) * channels);
    samples.forEach((_, index) => {
      samples[index] = data.readInt16LE(headerBytes + index * 2);
    });
    this.heardCount += samples.length;
    const [flags, start, sampleRateHz] = [data.readUInt8(5), data.readDoubleLE(8), data.readUInt32LE(16)];
    this.audio.push({ id, channels, flags, start, sampleRateHz, samples });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

function readDb(data: Buffer, at: number): number {
  return data.readInt16LE(at) / 100;
}

/** What a subscription tells by itself is no answer to what is asked of it later. */
function mayAnswer(text: LiveMessage, request: LiveRequest): boolean {
  if (text.type === "error") return true;
  if (request.type === "stop") return text.type === "stopped";
  if (request.type !== "fleet") return true;
  return text.type === "fleet" && text.devices.map(({ hwid }) => hwid).join() === request.hwids.join();
}
