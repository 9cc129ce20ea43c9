import { setTimeout as passed } from "node:timers/promises";
import type { HonestStreams } from "./honest-streams.ts";

/** What an attack leaves behind is not quiet yet. */
const settleMs = 1_000;
const windowMs = 2_000;
/** Windows before the first attack. */
const firstCount = 3;
/** A machine's load changes: older windows say nothing of it. */
const recentCount = 5;
/** For a percentile. */
const minFrameCount = 2_000;
const maxWaitMs = 60_000;
/** The promise: latency under attack is within so many times that of quiet. */
const maxFactor = 2;
/** What the machine itself may have become slower by. */
const maxLastingFactor = 1.5;
const maxReturnCount = 30;

/**
 * Compares the latency of acknowledgements under attack with that of quiet, p99 with p99, both of the same minute: quiet is
 * measured before the first attack and behind each one, so that a machine that has other work is judged by what it can do.
 */
export class LatencyJudge {
  readonly #honest: HonestStreams;
  readonly #quietMs: number[] = [];

  constructor(honest: HonestStreams) {
    this.#honest = honest;
  }

  /** Learns what quiet is. */
  async learn(): Promise<void> {
    await passed(settleMs);
    for (let count = 0; count < firstCount; count += 1) await this.#measureQuiet();
  }

  /** Median of the last windows. */
  get quietP99Ms(): number {
    return medianOf(this.#quietMs.slice(-recentCount));
  }

  /** Waits until it is as quiet as before the first attack: what lasts would raise its own bound. @returns whether it is */
  async isQuietAgain(): Promise<boolean> {
    const firstMs = medianOf(this.#quietMs.slice(0, firstCount));
    for (let count = 0; count < maxReturnCount; count += 1) {
      if ((await this.#measureQuiet()) <= maxLastingFactor * firstMs) return true;
    }
    return false;
  }

  get boundMs(): number {
    return maxFactor * this.quietP99Ms;
  }

  /** Measures an attack, and the quiet behind it. @returns the time in which 99 % of the frames were acknowledged */
  async measure(attack: () => Promise<void>): Promise<number> {
    this.#honest.takeLatencies();
    await attack();
    // The shortest are over before an acknowledgement comes.
    const p99Ms = await this.#readP99Ms(settleMs);
    await passed(settleMs);
    await this.#measureQuiet();
    return p99Ms;
  }

  async #measureQuiet(): Promise<number> {
    this.#honest.takeLatencies();
    const p99Ms = await this.#readP99Ms(windowMs);
    this.#quietMs.push(p99Ms);
    return p99Ms;
  }

  /** Waits so long, and for as many frames as tell something of a hundredth of them: a busy machine takes its time. */
  async #readP99Ms(waitMs: number): Promise<number> {
    const endMs = performance.now() + maxWaitMs;
    await passed(waitMs);
    while (this.#honest.latencyCount < minFrameCount && performance.now() < endMs) await passed(settleMs);
    return this.#honest.takeLatencies().percentileMs(0.99);
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
