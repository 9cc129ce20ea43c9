import type { Peer } from "../peers/peer.ts";
import { scenarioOf } from "../scenarios.ts";
import { areSound, mostLateShare, peers, runRounds } from "./comparison.ts";
import { type BenchResult, type Figure, summaryOf } from "./figure.ts";
import { cpuPerFrameUs, lateShare, type Measurement } from "./measurement.ts";

/** Streams at once, along the curves. */
export const curveCounts: readonly number[] = [10, 20, 50, 100, 200, 500, 1_000, 2_000];

export interface CurvesBenchOptions {
  readonly counts: readonly number[];
  readonly seconds: number;
  readonly roundCount: number;
}

/**
 * What a frame costs this server and its peers, against the number of streams. Rounds in which the load was late are left out.
 * Sound when every peer had every frame.
 */
export async function benchCurves({ counts, seconds, roundCount }: CurvesBenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  let isGood = true;
  for (const connectionCount of counts) {
    const rounds = await runRounds({ ...scenarioOf("acks"), connectionCount, seconds }, peers, roundCount);
    isGood &&= areSound(rounds);
    for (const [peer, measurements] of rounds) {
      const inTime = measurements.filter((measurement) => lateShare(measurement) <= mostLateShare);
      if (inTime.length > 0) figures.push(pointOf(peer, connectionCount, inTime));
      else console.log(`${peer.name}, ${connectionCount} streams: left out, the load was late in every round`);
    }
  }
  return { figures, isSound: isGood };
}

function pointOf({ name }: Peer, at: number, measurements: readonly Measurement[]): Figure {
  const costsUs = measurements.map((measurement) => cpuPerFrameUs(measurement));
  return {
    name: `CPU per frame of ${name}, ${at} streams`,
    ...summaryOf(costsUs),
    ...{ unit: "us", better: "less", point: { line: name, at } },
  };
}
