import type { StreamFormat } from "@eet/protocol";
import type { Scenario } from "../scenarios.ts";
import { AckWatch } from "./ack-watch.ts";
import { BenchDevice } from "./bench-device.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { loadMessages } from "./load-messages.ts";
import { writeSeq } from "./masked-message.ts";

const tickMs = 2;
const noMessage = Buffer.alloc(0);
/** What a flooding device hands to the system at once. */
const floodChunkBytes = 64 * 1024;

/** What a load sent. */
export interface LoadResult {
  readonly connectionCount: number;
  readonly framesPerConnection: number;
  /** Frames that went out later than a frame's length after their time: the load itself was too slow. */
  readonly lateFrameCount: number;
  readonly dropCount: number;
  /** From sending a frame to the acknowledgement that covers it; none without acknowledgements. */
  readonly ackLatencies: LatencyHistogram;
  /** Frames that were never acknowledged; 0 without acknowledgements. */
  readonly unackedCount: number;
}

/**
 * Devices over plain sockets: WebSocket frames are made and masked once and only their seq changes,
 * so that the load costs little of the machine it shares with the server.
 */
export class DeviceLoad {
  readonly #scenario: Scenario;
  readonly #devices: BenchDevice[] = [];
  readonly #watches: AckWatch[] = [];
  readonly #latencies = new LatencyHistogram();
  #lateFrameCount = 0;

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
      this.#devices.push(...(await Promise.all(indexes.map((index) => this.#openOne(port, index)))));
    }
  }

  #openOne(port: number, index: number): Promise<BenchDevice> {
    const watch = this.#scenario.hasAcks ? new AckWatch(this.#framesPerConnection, this.#latencies) : undefined;
    if (watch !== undefined) this.#watches[index] = watch;
    return BenchDevice.open(port, index, this.#format, watch);
  }

  get #format(): StreamFormat {
    const { codec, sampleRateHz, frameMs } = this.#scenario;
    return { codec, sampleRateHz, channels: 1, frameSampleCount: (sampleRateHz * frameMs) / 1000 };
  }

  get #framesPerConnection(): number {
    return Math.round((this.#scenario.seconds * 1000) / this.#scenario.frameMs);
  }

  /** Sends all frames, at the scenario's pace. */
  async send(): Promise<void> {
    const messages = loadMessages(this.#format);
    if (this.#scenario.pace === "real-time") return this.#sendInRealTime(messages);
    await Promise.all(this.#devices.map((device, index) => this.#flood(device, index, messages)));
  }

  /** Each device at its own moment within a frame. */
  async #sendInRealTime(messages: readonly Buffer[]): Promise<void> {
    const { connectionCount, frameMs } = this.#scenario;
    const startMs = performance.now();
    const frameCount = this.#framesPerConnection * connectionCount;
    const framesPerMs = connectionCount / frameMs;
    const done = Promise.withResolvers<void>();
    let sentCount = 0;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const dueCount = Math.min(frameCount, Math.floor((nowMs - startMs) * framesPerMs));
      if (dueCount - sentCount > connectionCount) this.#lateFrameCount += dueCount - sentCount - connectionCount;
      for (; sentCount < dueCount; sentCount += 1) {
        const seq = Math.floor(sentCount / connectionCount);
        this.#send(sentCount % connectionCount, seq, messages[seq % messages.length] ?? noMessage, nowMs);
      }
      if (sentCount === frameCount) done.resolve();
    }, tickMs);
    await done.promise;
    clearInterval(timer);
  }

  /** As fast as the server takes it: many frames at once, and the next once the system has taken these. */
  async #flood(device: BenchDevice, index: number, messages: readonly Buffer[]): Promise<void> {
    const chunkFrameCount = Math.max(1, Math.floor(floodChunkBytes / (messages[0] ?? noMessage).byteLength));
    for (let seq = 0; seq < this.#framesPerConnection && !device.isClosed; seq += chunkFrameCount) {
      const frameCount = Math.min(chunkFrameCount, this.#framesPerConnection - seq);
      const picked = Array.from({ length: frameCount }, (_, at) => messages[(seq + at) % messages.length] ?? noMessage);
      const chunk = Buffer.concat(picked);
      let at = 0;
      for (const [offset, message] of picked.entries()) {
        writeSeq(chunk, seq + offset, at);
        at += message.byteLength;
        this.#watches[index]?.onSent(seq + offset, performance.now());
      }
      await device.written(chunk);
    }
  }

  /** Ends all connections as devices do. @returns what was sent, once everything is through */
  async finish(): Promise<LoadResult> {
    const { connectionCount } = this.#scenario;
    const framesPerConnection = this.#framesPerConnection;
    const lateFrameCount = this.#lateFrameCount;
    const dropCount = this.#devices.filter(({ isClosed }) => isClosed).length;
    await Promise.all(this.#devices.map((device) => device.finish(framesPerConnection)));
    const unackedCount = this.#watches.reduce((sum, { durableNext }) => sum + framesPerConnection - durableNext, 0);
    const ackLatencies = this.#latencies;
    return { connectionCount, framesPerConnection, lateFrameCount, dropCount, ackLatencies, unackedCount };
  }

  #send(index: number, seq: number, message: Buffer, nowMs: number): void {
    const own = Buffer.from(message);
    writeSeq(own, seq);
    this.#devices[index]?.write(own);
    this.#watches[index]?.onSent(seq, nowMs);
  }
}
