import { goals } from "../goals.ts";
import { eetPeer } from "../peers/eet-peer.ts";
import { nullWsPeer } from "../peers/script-peer.ts";
import { scenarioOf } from "../scenarios.ts";
import { areSound, ratioTo, runRounds } from "./comparison.ts";
import { type BenchResult, type Figure, summaryOf } from "./figure.ts";
import { framesPerCoreSecond, type Measurement } from "./measurement.ts";
import { titleOf } from "./measurement-figures.ts";

export interface FloodBenchOptions {
  /** Of audio per device. */
  readonly seconds: number;
  readonly roundCount: number;
}

/** How many frames a second of one core takes when they come as fast as they may, against the floor. */
export async function benchFlood({ seconds, roundCount }: FloodBenchOptions): Promise<BenchResult> {
  const scenario = { ...scenarioOf("flood"), seconds };
  const rounds = await runRounds(scenario, [eetPeer, nullWsPeer], roundCount);
  const title = titleOf(scenario);
  const until = (end: "ended" | "settled") => (measurement: Measurement) => framesPerCoreSecond(measurement, end);
  const rates = [...rounds].map(
    ([{ name }, measurements]): Figure => ({
      name: `${title}: frames per second of one core, until received, ${name}`,
      ...summaryOf(measurements.map(until("ended"))),
      ...{ unit: "1/s", better: "more" },
    }),
  );
  return {
    isSound: areSound(rounds),
    figures: [
      ...rates,
      {
        name: `${title}: frames received, eet against null-ws`,
        ...ratioTo(rounds, nullWsPeer, until("ended")),
        ...{ unit: "x", better: "more", goal: goals.floodAgainstNull },
      },
      {
        name: `${title}: frames received and derived, eet against null-ws`,
        ...ratioTo(rounds, nullWsPeer, until("settled")),
        ...{ unit: "x", better: "more" },
      },
    ],
  };
}
