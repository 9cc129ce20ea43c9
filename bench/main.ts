// `npm run bench`: measures what the server costs, and prints it.
import { parseArgs } from "node:util";
import { benchCapacity } from "./lib/capacity-bench.ts";
import { benchCatalog } from "./lib/catalog-bench.ts";
import { compareAcks, comparePeers, runPeer } from "./lib/comparison.ts";
import { benchConnect } from "./lib/connect-bench.ts";
import { benchCurves, curveCounts } from "./lib/curves-bench.ts";
import { benchExport } from "./lib/export-bench.ts";
import { type BenchResult, formatGoal, formatValue, meetsGoal } from "./lib/figure.ts";
import { benchFinishing } from "./lib/finishing-bench.ts";
import { benchFlood } from "./lib/flood-bench.ts";
import { describeMachine, readCommit } from "./lib/machine.ts";
import { isSound } from "./lib/measurement.ts";
import { figuresOf } from "./lib/measurement-figures.ts";
import { benchRecovery } from "./lib/recovery-bench.ts";
import { formatFigures } from "./lib/report.ts";
import { compareResults, readResultFile, writeResultFile } from "./lib/result-file.ts";
import { fullPlan, quickPlan, runSuite, type SuitePart, suiteParts } from "./lib/suite.ts";
import { benchUploads } from "./lib/uploads-bench.ts";
import { eetPeer, runFlags } from "./peers/eet-peer.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { usage } from "./usage.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    only: { type: "string" },
    connections: { type: "string" },
    seconds: { type: "string" },
    "frame-ms": { type: "string" },
    codec: { type: "string" },
    acks: { type: "boolean" },
    "compare-acks": { type: "boolean" },
    peers: { type: "boolean" },
    rounds: { type: "string" },
    segments: { type: "string" },
    minutes: { type: "string" },
    keep: { type: "string" },
    "ingest-workers": { type: "string" },
    json: { type: "string" },
    check: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});

const numberOf = (value: string | undefined, fallback: number) => (value === undefined ? fallback : parseNumber(value));
const roundsOf = (fallback: number) => numberOf(values.rounds, fallback);
const countsOf = (fallback: readonly number[]) => values.connections?.split(",").map(parseNumber) ?? fallback;

/** What is measured that is no scenario, by name. */
const otherBenches: Readonly<Record<string, () => Promise<BenchResult>>> = {
  goals: () => runSuite(fullPlan, onlyParts()),
  curves: () =>
    benchCurves({ counts: countsOf(curveCounts), seconds: numberOf(values.seconds, 10), roundCount: roundsOf(1) }),
  capacity: () =>
    print(benchCapacity({ counts: countsOf([1_000, 2_000, 3_000, 4_000]), seconds: numberOf(values.seconds, 20) })),
  catalog: () => benchCatalog({ segmentCount: numberOf(values.segments, 200_000), keepFolder: values.keep }),
  finishing: () => print(benchFinishing(numberOf(values.segments, 200))),
  connect: () => print(benchConnect({ ...connecting(1_000), order: "in turn" })),
  storm: () => print(benchConnect({ ...connecting(1_000), order: "at once" })),
  "flood-peers": () => print(benchFlood({ seconds: numberOf(values.seconds, 1_500), roundCount: roundsOf(2) })),
  recovery: () => print(benchRecovery(numberOf(values.segments, 2_000))),
  export: () => print(benchExport({ minutes: numberOf(values.minutes, 60), roundCount: roundsOf(5) })),
  uploads: () => print(benchUploads(numberOf(values.segments, 1_000))),
};

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof RangeError)) throw error;
  console.error(error.message);
  return 2;
});

async function main(): Promise<number> {
  const [name = scenarios[0]?.name ?? "", ...files] = positionals;
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  if (name === "compare") return compareFiles(files);
  if (values["ingest-workers"] !== undefined) runFlags.push("--ingest-workers", values["ingest-workers"]);
  const bench =
    values.quick === true && positionals.length === 0 ? () => runSuite(quickPlan, onlyParts()) : benchOf(name);
  if (bench === undefined || files.length > 0) {
    console.error(`${usage}\n\nthere is no "${positionals.join(" ")}"`);
    return 2;
  }
  const [machine, commit] = [describeMachine(), readCommit()];
  const { figures, isSound } = await bench();
  if (values.json !== undefined) {
    await writeResultFile(values.json, { at: new Date().toISOString(), commit, machine, figures });
  }
  const missed = values.check === true ? figures.filter((figure) => meetsGoal(figure) === false) : [];
  for (const figure of missed) {
    console.error(`not met: ${figure.name}: ${formatValue(figure)}, goal ${formatGoal(figure)}`);
  }
  return isSound && missed.length === 0 ? 0 : 1;
}

/** @throws RangeError for what is no number above 0 */
function parseNumber(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new RangeError(`"${text}" is no number above 0`);
}

function benchOf(name: string): (() => Promise<BenchResult>) | undefined {
  const scenario = scenarios.find((one) => one.name === name);
  return scenario === undefined ? otherBenches[name] : () => benchScenario(scenario);
}

/** @throws RangeError for a part that there is not */
function onlyParts(): readonly SuitePart[] {
  const names = values.only?.split(",") ?? suiteParts;
  const wrong = names.find((name) => !suiteParts.some((part) => part === name));
  if (wrong !== undefined) throw new RangeError(`--only takes ${suiteParts.join(", ")}; there is no "${wrong}"`);
  return suiteParts.filter((part) => names.includes(part));
}

function connecting(connectionCount: number) {
  return { connectionCount: numberOf(values.connections, connectionCount), roundCount: roundsOf(2) };
}

async function print(bench: Promise<BenchResult>): Promise<BenchResult> {
  const result = await bench;
  for (const line of formatFigures(result.figures)) console.log(line);
  return result;
}

async function compareFiles([before, after, ...more]: readonly string[]): Promise<number> {
  if (before === undefined || after === undefined || more.length > 0) {
    console.error("compare takes two files that --json wrote: npm run bench -- compare BEFORE.json AFTER.json");
    return 2;
  }
  for (const line of compareResults(await readResultFile(before), await readResultFile(after))) console.log(line);
  return 0;
}

async function benchScenario(chosen: Scenario): Promise<BenchResult> {
  const scenario = changed(chosen);
  if (values.peers === true) return print(comparePeers(scenario, roundsOf(2)));
  if (values["compare-acks"] === true) return compareAcks(scenario);
  const measurement = await runPeer(scenario, eetPeer);
  return { figures: figuresOf(measurement, scenario), isSound: isSound(measurement) };
}

/** @throws RangeError for a codec that there is not */
function changed(chosen: Scenario): Scenario {
  const { codec } = values;
  if (codec !== undefined && codec !== "adpcm" && codec !== "pcm16") {
    throw new RangeError(`--codec takes adpcm and pcm16; there is no "${codec}"`);
  }
  return {
    ...chosen,
    connectionCount: numberOf(values.connections, chosen.connectionCount),
    seconds: numberOf(values.seconds, chosen.seconds),
    frameMs: numberOf(values["frame-ms"], chosen.frameMs),
    codec: codec ?? chosen.codec,
    hasAcks: values.acks ?? chosen.hasAcks,
  };
}
