import type { AudioAmount } from "@eet/client";
import type { StreamProgress, StreamRun, StreamState } from "./stream-run.ts";
import type { SpoolAmount } from "./stream-spool.ts";

/** All streams of a command taken together, at one moment. */
export interface StreamTotals extends Omit<StreamProgress, "delivery"> {
  readonly streamCount: number;
  readonly countByState: Readonly<Record<StreamState, number>>;
  readonly sampleRateHz: number;
  readonly elapsedS: number;
  /** Of the stream that is latest. */
  readonly lagMs: number;
  /** `undefined` without a spool. */
  readonly spool: SpoolAmount | undefined;
}

/** Adds up the streams. What only some of them know is the sum of those. */
export function sumStreams(
  runs: readonly StreamRun[],
  sampleRateHz: number,
  elapsedS: number,
  spool?: SpoolAmount,
): StreamTotals {
  const countByState: Record<StreamState, number> = {
    waiting: 0,
    connecting: 0,
    open: 0,
    reconnecting: 0,
    finishing: 0,
    complete: 0,
    interrupted: 0,
    failed: 0,
  };
  for (const { state } of runs) countByState[state] += 1;
  const all = runs.map(({ progress }) => progress);
  return {
    streamCount: runs.length,
    countByState,
    sampleRateHz,
    elapsedS,
    lagMs: runs.reduce((latest, { state, lagMs }) => (state === "open" ? Math.max(latest, lagMs) : latest), 0),
    sent: addUp(all.map(({ sent }) => sent)),
    durable: addUpKnown(all.map(({ durable }) => durable)),
    uploaded: addUpKnown(all.map(({ uploaded }) => uploaded)),
    buffered: {
      ...addUp(all.map(({ buffered }) => buffered)),
      byteCount: all.reduce((sum, { buffered }) => sum + buffered.byteCount, 0),
    },
    spooled: addUpKnown(all.map(({ spooled }) => spooled)),
    dropped: addUp(all.map(({ dropped }) => dropped)),
    reconnectCount: all.reduce((sum, { reconnectCount }) => sum + reconnectCount, 0),
    spool,
  };
}

function addUp(amounts: readonly AudioAmount[]): AudioAmount {
  let frameCount = 0;
  let sampleCount = 0;
  for (const amount of amounts) {
    frameCount += amount.frameCount;
    sampleCount += amount.sampleCount;
  }
  return { frameCount, sampleCount };
}

function addUpKnown(amounts: readonly (AudioAmount | undefined)[]): AudioAmount | undefined {
  const known = amounts.filter((amount) => amount !== undefined);
  return known.length === 0 ? undefined : addUp(known);
}
