import { goals } from "../goals.ts";
import { eetPeer } from "../peers/eet-peer.ts";
import { scenarioOf } from "../scenarios.ts";
import { mostLateShare, runPeer } from "./comparison.ts";
import type { BenchResult, Figure } from "./figure.ts";
import { isSound, lateShare, type Measurement } from "./measurement.ts";

export interface CapacityBenchOptions {
  /** Streams to try, from few to many. */
  readonly counts: readonly number[];
  readonly seconds: number;
}

/**
 * How many acknowledged streams of 20 ms frames a server on one core carries in real time: nothing lost, acknowledgements in
 * time. Ends at the first number that it does not carry, or that the load itself cannot send.
 */
export async function benchCapacity({ counts, seconds }: CapacityBenchOptions): Promise<BenchResult> {
  let carried: { readonly count: number; readonly ackP99Ms: number } | undefined;
  for (const count of counts) {
    const measurement = await runPeer({ ...scenarioOf("one-core"), connectionCount: count, seconds }, eetPeer);
    const reason = whyNotCarried(measurement);
    if (reason !== undefined) {
      console.log(`  ${count} streams are not carried: ${reason}`);
      break;
    }
    carried = { count, ackP99Ms: measurement.sent.ackLatencies.percentileMs(0.99) };
  }
  const late = (name: string, value: number): Figure => ({ name, value, unit: "ms", better: "less" });
  return {
    isSound: carried !== undefined,
    figures: [
      {
        name: "streams of 20 ms frames that one core carries",
        ...{ value: carried?.count ?? 0, unit: "count", better: "more", goal: goals.streamsPerCore },
      },
      ...(carried === undefined
        ? []
        : [late(`ack latency p99 at ${carried.count} streams on one core`, carried.ackP99Ms)]),
    ],
  };
}

function whyNotCarried(measurement: Measurement): string | undefined {
  if (!isSound(measurement)) return "something was lost, dropped or never acknowledged";
  if (lateShare(measurement) > mostLateShare) return "the load's own core cannot send as many in time";
  const p99Ms = measurement.sent.ackLatencies.percentileMs(0.99);
  return p99Ms <= goals.ackP99Ms ? undefined : `1 % of the acknowledgements come later than ${p99Ms} ms`;
}
