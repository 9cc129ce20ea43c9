import { once } from "node:events";
import { join } from "node:path";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { EetServer, type FinishedSegment, readSettings, type ServerOptions, silentLog } from "@eet/server";
import { WebSocket } from "ws";
import { Conditions } from "./conditions.ts";

/** 16-bit mono, frames of 20 ms. */
const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const frameBytes = 640;

/** A stretch of audio that a device sends. */
export interface SentAudio {
  /** `null`: without an id. */
  readonly hwid: string | null;
  readonly startMs: number;
  readonly frameCount: number;
  /** Seqs that are left out. */
  readonly missing?: readonly number[];
  readonly streamId?: number;
  /** Default 16 000. */
  readonly sampleRateHz?: number;
}

/** A server with recordings to ask for. Disposing of it stops it. */
export class ApiServer implements AsyncDisposable {
  readonly #server: EetServer;
  readonly #closed: FinishedSegment[];
  readonly #conditions: Conditions;

  private constructor(server: EetServer, closed: FinishedSegment[], conditions: Conditions) {
    this.#server = server;
    this.#closed = closed;
    this.#conditions = conditions;
  }

  static async open(
    folder: string,
    flags: Readonly<Record<string, string>> = {},
    environment: Readonly<Record<string, string>> = {},
    options: Partial<Pick<ServerOptions, "clock" | "log" | "maxReaderIdleMs">> = {},
  ): Promise<ApiServer> {
    const given = { flags: { port: "0", data: join(folder, "data"), "rotate-s": "1", ...flags }, environment };
    const { settings } = await readSettings(folder, given);
    const closed: FinishedSegment[] = [];
    const conditions = new Conditions(() => `${closed.length} segments are closed`);
    const onSegmentClosed = (segment: FinishedSegment) => {
      closed.push(segment);
      conditions.check();
    };
    const server = await EetServer.open({
      settings,
      log: { ...silentLog, level: "info" },
      version: "1.2.3",
      onSegmentClosed,
      ...options,
    });
    return new ApiServer(server, closed, conditions);
  }

  /** `http://127.0.0.1:{port}` */
  get url(): string {
    return `http://127.0.0.1:${this.#server.address.port}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  async json<Body = Readonly<Record<string, unknown>>>(path: string, init?: RequestInit): Promise<Body> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /** Sends audio and waits until the last of it is catalogued. @returns its samples as s16le, gaps left out */
  async record({ hwid, startMs, frameCount, missing = [], streamId = 1, sampleRateHz }: SentAudio): Promise<Buffer> {
    const path = hwid === null ? "/ws" : `/ws/${hwid}`;
    const socket = new WebSocket(`${this.url.replace("http", "ws")}${path}`);
    await once(socket, "open");
    const sent = { ...format, sampleRateHz: sampleRateHz ?? format.sampleRateHz };
    socket.send(formatHandshake({ streamId, format: sent, timestampMs: BigInt(startMs) }));
    const payloads: Buffer[] = [];
    for (let seq = 0; seq < frameCount; seq += 1) {
      if (missing.includes(seq)) continue;
      const payload = makeTone(seq);
      payloads.push(payload);
      socket.send(formatFrame("pcm16", seq, payload));
    }
    socket.close(1000);
    await once(socket, "close");
    const isLast = ({ sidecar }: FinishedSegment) =>
      sidecar.hwid === hwid && sidecar.time.session_start_ms === startMs && sidecar.last_seq === frameCount - 1;
    await this.#conditions.until(`the audio of ${hwid} is catalogued`, () => this.#closed.some(isLast));
    return Buffer.concat(payloads);
  }

  /** Stops gracefully; idempotent. */
  close(): Promise<void> {
    return this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A frame of a tone of 1 kHz, at a level that depends on its place. */
function makeTone(seq: number): Buffer {
  const payload = Buffer.alloc(frameBytes);
  for (let at = 0; at < format.frameSampleCount; at += 1) {
    const sample = seq * format.frameSampleCount + at;
    payload.writeInt16LE(Math.round(Math.sin((sample * Math.PI) / 8) * (4_000 + (seq % 50) * 100)), at * 2);
  }
  return payload;
}
