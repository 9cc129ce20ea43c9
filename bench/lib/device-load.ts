import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, wavHeaderBytes } from "@eet/audio";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import type { Scenario } from "../scenarios.ts";

const tickMs = 2;
/** Of seq in a message: a WebSocket header of 8 bytes, the mask included, magic and length stand before it. */
const seqOffset = 8 + 8;
const noMessage = Buffer.alloc(0);

/** What a load sent. */
export interface LoadResult {
  readonly connectionCount: number;
  readonly framesPerConnection: number;
  /** Frames that went out later than a frame's length after their time: the load itself was too slow. */
  readonly lateFrameCount: number;
  readonly dropCount: number;
}

/**
 * Devices in real time over plain sockets: WebSocket frames are made once with a zero mask and only their seq changes,
 * so that the load costs little of the machine it shares with the server.
 */
export class DeviceLoad {
  readonly #scenario: Scenario;
  readonly #sockets: Socket[] = [];
  #dropCount = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Opens all connections and sends their handshakes. */
  async open(port: number): Promise<void> {
    const batchSize = 50;
    for (let first = 0; first < this.#scenario.connectionCount; first += batchSize) {
      const indexes = Array.from(
        { length: Math.min(batchSize, this.#scenario.connectionCount - first) },
        (_, i) => first + i,
      );
      this.#sockets.push(...(await Promise.all(indexes.map((index) => this.#openOne(port, index)))));
    }
  }

  async #openOne(port: number, index: number): Promise<Socket> {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    await once(socket, "connect");
    socket.write(
      `GET /ws/bench-${index} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    const [answer] = await once(socket, "data");
    if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(`the server refused: ${String(answer)}`);
    socket.on("data", () => {}).on("error", () => {});
    socket.on("close", () => {
      this.#dropCount += 1;
    });
    const handshake = formatHandshake({ streamId: index, format: this.#format, timestampMs: BigInt(Date.now()) });
    socket.write(maskedMessage(2, handshake));
    return socket;
  }

  get #format(): StreamFormat {
    const { codec, sampleRateHz, frameMs } = this.#scenario;
    return { codec, sampleRateHz, channels: 1, frameSampleCount: (sampleRateHz * frameMs) / 1000 };
  }

  /** Sends for the scenario's time, each device at its own moment within a frame, then closes cleanly. */
  async run(): Promise<LoadResult> {
    const { connectionCount, seconds, frameMs } = this.#scenario;
    const framesPerConnection = Math.round((seconds * 1000) / frameMs);
    const messages = this.#messages();
    const startMs = performance.now();
    const frameCount = framesPerConnection * connectionCount;
    const framesPerMs = connectionCount / frameMs;
    const done = Promise.withResolvers<void>();
    let sentCount = 0;
    let lateFrameCount = 0;
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startMs;
      const dueCount = Math.min(frameCount, Math.floor(elapsedMs * framesPerMs));
      if (dueCount - sentCount > connectionCount) lateFrameCount += dueCount - sentCount - connectionCount;
      for (; sentCount < dueCount; sentCount += 1) {
        const seq = Math.floor(sentCount / connectionCount);
        const own = Buffer.from(messages[seq % messages.length] ?? noMessage);
        own.writeUInt32LE(seq, seqOffset);
        this.#sockets[sentCount % connectionCount]?.write(own);
      }
      if (sentCount === frameCount) done.resolve();
    }, tickMs);
    await done.promise;
    clearInterval(timer);
    const dropCount = this.#dropCount;
    await Promise.all(this.#sockets.map(closeCleanly));
    return { connectionCount, framesPerConnection, lateFrameCount, dropCount };
  }

  /** The bundled speech as whole WebSocket messages, encoded as a device does: one state from frame to frame. */
  #messages(): Buffer[] {
    const { codec, frameSampleCount } = this.#format;
    const speech = readFileSync(new URL("../../data/speech_16k.wav", import.meta.url)).subarray(wavHeaderBytes);
    const samples = new Int16Array(new Uint8Array(speech).buffer);
    const state: AdpcmState = { predictor: 0, stepIndex: 0 };
    return Array.from({ length: Math.floor(samples.length / frameSampleCount) }, (_, index) => {
      const frame = samples.slice(index * frameSampleCount, (index + 1) * frameSampleCount);
      const header = formatAdpcmHeader(state);
      const payload =
        codec === "adpcm" ? Buffer.concat([header, encodeAdpcm(frame, "low", state)]) : new Uint8Array(frame.buffer);
      return maskedMessage(2, formatFrame(codec, 0, payload));
    });
  }
}

/** A final WebSocket frame of a client with the mask 0, which leaves the payload as it is. */
function maskedMessage(opcode: number, payload: Uint8Array): Buffer {
  const isLong = payload.byteLength > 125;
  const header = Buffer.alloc(isLong ? 8 : 6);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (isLong ? 126 : payload.byteLength);
  if (isLong) header.writeUInt16BE(payload.byteLength, 2);
  return Buffer.concat([header, payload]);
}

async function closeCleanly(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  socket.write(maskedMessage(8, Uint8Array.of(0x03, 0xe8)));
  await once(socket, "close");
}
