import type { StreamRun, StreamState } from "./stream-run.ts";

/** All streams of a command taken together, at one moment. */
export interface StreamTotals {
  readonly streamCount: number;
  readonly countByState: Readonly<Record<StreamState, number>>;
  readonly frameCount: number;
  /** Per channel, of all streams. */
  readonly sampleCount: number;
  readonly audioS: number;
  readonly elapsedS: number;
  /** Of the stream that is latest. */
  readonly lagMs: number;
}

/** Adds up the streams. */
export function sumStreams(runs: readonly StreamRun[], sampleRateHz: number, elapsedS: number): StreamTotals {
  const countByState = { waiting: 0, opening: 0, open: 0, closing: 0, complete: 0, interrupted: 0, failed: 0 };
  let frameCount = 0;
  let sampleCount = 0;
  let lagMs = 0;
  for (const run of runs) {
    countByState[run.state] += 1;
    frameCount += run.frameCount;
    sampleCount += run.sampleCount;
    if (run.state === "open") lagMs = Math.max(lagMs, run.lagMs);
  }
  const audioS = sampleCount / sampleRateHz;
  return { streamCount: runs.length, countByState, frameCount, sampleCount, audioS, elapsedS, lagMs };
}
