import { formatFrame, type StreamFormat } from "@eet/protocol";
import { AckWatch } from "../../../bench/lib/ack-watch.ts";
import { BenchDevice, hwidOf } from "../../../bench/lib/bench-device.ts";
import { LatencyHistogram } from "../../../bench/lib/latency-histogram.ts";
import { maskedMessage, writeSeq } from "../../../bench/lib/masked-message.ts";

const frameMs = 60;
const format: StreamFormat = { codec: "adpcm", sampleRateHz: 8_000, channels: 1, frameSampleCount: 480 };
const tickMs = 5;
/** Longer than any run: ten minutes. */
const maxFrameCount = 10_000;

/** Latencies of the present phase of a run. */
class PhasedLatencies extends LatencyHistogram {
  present = new LatencyHistogram();

  override add(latencyMs: number): void {
    this.present.add(latencyMs);
  }
}

/** Devices in real time that ask for acknowledgements, at little cost of the machine that they share with the server. */
export class HonestStreams implements Disposable {
  readonly #devices: BenchDevice[] = [];
  readonly #watches: AckWatch[] = [];
  readonly #latencies = new PhasedLatencies();
  readonly #message = maskedMessage(2, formatFrame("adpcm", 0, new Uint8Array(4 + format.frameSampleCount / 2)));
  #timer: NodeJS.Timeout | undefined;
  #sentCount = 0;

  /** Connects the devices, one after the other, and has them send. @param token - of all; left out: none */
  static async open(port: number, count: number, token?: string): Promise<HonestStreams> {
    const streams = new HonestStreams();
    for (let index = 0; index < count; index += 1) {
      const watch = new AckWatch(maxFrameCount, streams.#latencies);
      streams.#watches.push(watch);
      streams.#devices.push(await BenchDevice.open(port, index, format, watch, token));
    }
    streams.#start();
    return streams;
  }

  #start(): void {
    const startMs = performance.now();
    const framesPerMs = this.#devices.length / frameMs;
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      const dueCount = Math.floor((nowMs - startMs) * framesPerMs);
      for (; this.#sentCount < dueCount; this.#sentCount += 1) this.#send(this.#sentCount, nowMs);
    }, tickMs);
  }

  #send(count: number, nowMs: number): void {
    const index = count % this.#devices.length;
    const seq = Math.floor(count / this.#devices.length);
    const own = Buffer.from(this.#message);
    writeSeq(own, seq);
    this.#devices[index]?.write(own);
    this.#watches[index]?.onSent(seq, nowMs);
  }

  /** Latencies since the last call, from sending a frame to the acknowledgement that covers it. */
  takeLatencies(): LatencyHistogram {
    const taken = this.#latencies.present;
    this.#latencies.present = new LatencyHistogram();
    return taken;
  }

  /** Of how many frames {@link takeLatencies} would tell. */
  get latencyCount(): number {
    return this.#latencies.present.count;
  }

  /** Devices whose connection has ended. */
  get lostCount(): number {
    return this.#devices.filter(({ isClosed }) => isClosed).length;
  }

  /** Ends all sessions by FINI. @returns frames that each device has sent, by hwid, and how many were not acknowledged */
  async finish(): Promise<{ readonly sent: ReadonlyMap<string, number>; readonly unackedCount: number }> {
    clearInterval(this.#timer);
    const deviceCount = this.#devices.length;
    const countOf = (index: number) => Math.ceil((this.#sentCount - index) / deviceCount);
    await Promise.all(this.#devices.map((device, index) => device.finish(countOf(index))));
    const unackedCount = this.#watches.reduce((sum, { durableNext }, index) => sum + countOf(index) - durableNext, 0);
    return { sent: new Map(this.#devices.map((_, index) => [hwidOf(index), countOf(index)])), unackedCount };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
