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

/** What honest devices met during an attack, and in the quiet behind it. */
export interface AttackLatency {
  /** 99 % of the frames were acknowledged within it. */
  readonly p99Ms: number;
  readonly quietP99Ms: number;
}

/**
 * Compares the latency of acknowledgements under attack with that of quiet, p99 with p99, both of the same minute: quiet is
 * measured before the first attack and behind each one, so that a machine that has other work is judged by what it can do.
 */
export class LatencyJudge {
  readonly #honest: HonestStreams;
  readonly #slackMs: number;
  readonly #quietMs: number[] = [];

  /** @param slackMs - one flush interval: where in it an attack begins is chance */
  constructor(honest: HonestStreams, slackMs: number) {
    this.#honest = honest;
    this.#slackMs = slackMs;
  }

  /** Learns what quiet is. */
  async learn(): Promise<void> {
    await passed(settleMs);
    for (let count = 0; count < firstCount; count += 1) await this.#measureQuiet();
  }

  /** Median of the last windows. */
  get quietP99Ms(): number {
    const sorted = this.#quietMs.slice(-recentCount).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  }

  get boundMs(): number {
    return maxFactor * this.quietP99Ms + this.#slackMs;
  }

  /** Measures an attack, and the quiet behind it. */
  async measure(attack: () => Promise<void>): Promise<AttackLatency> {
    this.#honest.takeLatencies();
    await attack();
    // The shortest are over before an acknowledgement comes.
    const p99Ms = await this.#readP99Ms(settleMs);
    await passed(settleMs);
    return { p99Ms, quietP99Ms: await this.#measureQuiet() };
  }

  isWithinBound({ p99Ms }: AttackLatency): boolean {
    return p99Ms <= this.boundMs;
  }

  /** Whether the machine was as slow without the attack: then nothing is known of the attack. */
  isHiccup({ p99Ms, quietP99Ms }: AttackLatency): boolean {
    return p99Ms <= maxFactor * quietP99Ms + this.#slackMs;
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
