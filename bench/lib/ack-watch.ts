import { parseServerMessage } from "@eet/protocol";
import type { LatencyHistogram } from "./latency-histogram.ts";

/** Follows one connection's acknowledgements: how long each frame took from being sent to being acknowledged. */
export class AckWatch {
  readonly #sentAtMs: Float64Array;
  readonly #latencies: LatencyHistogram;
  #durableNext = 0;

  constructor(frameCount: number, latencies: LatencyHistogram) {
    this.#sentAtMs = new Float64Array(frameCount);
    this.#latencies = latencies;
  }

  /** Frames that are acknowledged. */
  get durableNext(): number {
    return this.#durableNext;
  }

  onSent(seq: number, nowMs: number): void {
    this.#sentAtMs[seq] = nowMs;
  }

  onMessage(payload: Uint8Array, nowMs: number): void {
    const message = parseServerMessage(payload);
    if (message?.kind !== "ack") return;
    for (; this.#durableNext < message.durableNext; this.#durableNext += 1) {
      this.#latencies.add(nowMs - (this.#sentAtMs[this.#durableNext] ?? Number.NaN));
    }
  }
}
