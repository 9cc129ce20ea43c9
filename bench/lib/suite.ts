import { goals } from "../goals.ts";
import { eetPeer } from "../peers/eet-peer.ts";
import { naiveWsPeer, nullWsPeer } from "../peers/script-peer.ts";
import { type Scenario, scenarioOf } from "../scenarios.ts";
import { benchCapacity } from "./capacity-bench.ts";
import { areSound, compareAcks, costFigures, runPeer, runRounds } from "./comparison.ts";
import { benchConnect } from "./connect-bench.ts";
import { benchExport } from "./export-bench.ts";
import { type BenchResult, type Figure, meetsGoal, summaryOf } from "./figure.ts";
import { benchFinishing } from "./finishing-bench.ts";
import { benchFlood } from "./flood-bench.ts";
import { cpuPerFrameUs, isSound } from "./measurement.ts";
import { figuresOf } from "./measurement-figures.ts";
import { benchRecovery } from "./recovery-bench.ts";
import { formatFigures } from "./report.ts";

/** How large the parts of a suite are; plain data. A part that is left out is not run. */
export interface SuitePlan {
  /** Fleets against peers, by streams. */
  readonly fleets: { readonly counts: readonly number[]; readonly seconds: number; readonly roundCount: number };
  /** The cost of many streams against that of few. */
  readonly scaling?: {
    readonly few: number;
    readonly many: number;
    readonly seconds: number;
    readonly roundCount: number;
  };
  /** What acknowledgements cost, and when they come. */
  readonly acks?: { readonly connectionCount: number; readonly seconds: number };
  readonly capacity?: { readonly counts: readonly number[]; readonly seconds: number };
  readonly steady?: { readonly connectionCount: number; readonly seconds: number };
  readonly serving: { readonly connectionCount: number; readonly seconds: number };
  /** Long enough that code is compiled for most of a run: five minutes of 50 devices are received within a second. */
  readonly flood: { readonly seconds: number; readonly roundCount: number };
  readonly connect: { readonly connectionCount: number; readonly roundCount: number };
  readonly finishing: { readonly segmentCount: number };
  readonly export: { readonly minutes: number; readonly roundCount: number };
  readonly recovery: { readonly segmentCount: number };
}

/** The most telling figures in less than two minutes. */
export const quickPlan: SuitePlan = {
  fleets: { counts: [200], seconds: 10, roundCount: 1 },
  serving: { connectionCount: 200, seconds: 10 },
  flood: { seconds: 60, roundCount: 1 },
  connect: { connectionCount: 300, roundCount: 1 },
  finishing: { segmentCount: 50 },
  export: { minutes: 60, roundCount: 3 },
  recovery: { segmentCount: 1_000 },
};

/** All that has a goal, as large as the goal says. */
export const fullPlan: SuitePlan = {
  fleets: { counts: [200, 500, 1_000], seconds: 20, roundCount: 3 },
  scaling: { few: 100, many: 1_000, seconds: 20, roundCount: 3 },
  acks: { connectionCount: 500, seconds: 20 },
  capacity: { counts: [1_000, 2_000, 3_000, 4_000, 5_000, 6_000], seconds: 20 },
  steady: { connectionCount: 1_000, seconds: 600 },
  serving: { connectionCount: 1_000, seconds: 30 },
  flood: { seconds: 1_500, roundCount: 3 },
  connect: { connectionCount: 1_000, roundCount: 4 },
  finishing: { segmentCount: 300 },
  export: { minutes: 60, roundCount: 9 },
  recovery: { segmentCount: 10_000 },
};

/** A part of a suite: its name in the plan. */
export type SuitePart = keyof SuitePlan;

type Parts = { readonly [part in SuitePart]: (size: NonNullable<SuitePlan[part]>) => Promise<BenchResult> };

const parts: Parts = {
  fleets: benchFleets,
  scaling: benchScaling,
  acks: (size) => compareAcks({ ...scenarioOf("acks"), ...size }),
  capacity: benchCapacity,
  steady: (size) => benchScenario({ ...scenarioOf("steady"), ...size }),
  serving: (size) => benchScenario({ ...scenarioOf("serving"), ...size }),
  flood: benchFlood,
  connect: (size) => benchConnect({ ...size, order: "in turn" }),
  finishing: ({ segmentCount }) => benchFinishing(segmentCount),
  export: benchExport,
  recovery: ({ segmentCount }) => benchRecovery(segmentCount),
};

/** Names of all parts, in the order in which they run. */
export const suiteParts = Object.keys(parts) as readonly SuitePart[];

/**
 * Runs the parts of a plan one after the other and prints all that has a goal as one table. A part that fails makes the suite
 * unsound; the others run all the same.
 *
 * @param only - the parts to run; default: all of the plan
 */
export async function runSuite(plan: SuitePlan, only: readonly SuitePart[] = suiteParts): Promise<BenchResult> {
  const figures: Figure[] = [];
  const faults: string[] = [];
  for (const part of only) {
    const startMs = performance.now();
    const result = await runPart(plan, part);
    if (result === undefined) continue;
    if (result instanceof Error) faults.push(`${part}: ${result.message}`);
    else {
      figures.push(...result.figures);
      if (!result.isSound) faults.push(`${part}: something was lost, refused or wrong`);
    }
    console.log(`${part} took ${Math.round((performance.now() - startMs) / 1000)} s\n`);
  }
  for (const line of formatSuite(figures, faults)) console.log(line);
  return { figures, isSound: faults.length === 0 };
}

/** @returns `undefined` for a part that the plan has not */
function runPart<P extends SuitePart>(plan: SuitePlan, part: P): Promise<BenchResult | Error> | undefined {
  const size = plan[part];
  if (size === undefined) return undefined;
  const run: Parts[P] = parts[part];
  return run(size).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

/** Lines of the table: what has a goal, then how many were met, then what went wrong. */
export function formatSuite(figures: readonly Figure[], faults: readonly string[]): string[] {
  const withGoal = figures.filter(({ goal }) => goal !== undefined);
  const metCount = withGoal.filter(meetsGoal).length;
  return [
    ...formatFigures(withGoal),
    `${metCount} of ${withGoal.length} goals are met on this machine`,
    ...faults.map((fault) => `NOT SOUND: ${fault}`),
  ];
}

async function benchScenario(scenario: Scenario): Promise<BenchResult> {
  const measurement = await runPeer(scenario, eetPeer);
  return { figures: figuresOf(measurement, scenario), isSound: isSound(measurement) };
}

async function benchFleets({ counts, seconds, roundCount }: SuitePlan["fleets"]): Promise<BenchResult> {
  const figures: Figure[] = [];
  let isGood = true;
  for (const connectionCount of counts) {
    const scenario = { ...scenarioOf("acks"), connectionCount, seconds };
    const rounds = await runRounds(scenario, [eetPeer, nullWsPeer, naiveWsPeer], roundCount);
    isGood &&= areSound(rounds);
    figures.push(...costFigures(rounds, scenario));
    const [first] = rounds.get(eetPeer) ?? [];
    // Once: the other rounds say the same of memory and latencies.
    if (first !== undefined) figures.push(...figuresOf(first, scenario));
  }
  return { figures, isSound: isGood };
}

async function benchScaling({
  few,
  many,
  seconds,
  roundCount,
}: NonNullable<SuitePlan["scaling"]>): Promise<BenchResult> {
  const ratios: number[] = [];
  let isGood = true;
  for (let round = 0; round < roundCount; round += 1) {
    const costsUs = new Map<number, number>();
    for (const connectionCount of round % 2 === 0 ? [few, many] : [many, few]) {
      const measurement = await runPeer({ ...scenarioOf("acks"), connectionCount, seconds }, eetPeer);
      costsUs.set(connectionCount, cpuPerFrameUs(measurement));
      isGood &&= isSound(measurement);
    }
    ratios.push((costsUs.get(many) ?? Number.NaN) / (costsUs.get(few) ?? Number.NaN));
  }
  return {
    isSound: isGood,
    figures: [
      {
        name: `CPU per frame at ${many} streams against ${few}`,
        ...summaryOf(ratios),
        ...{ unit: "x", better: "less", goal: goals.cpuOfManyAgainstFew },
      },
    ],
  };
}
