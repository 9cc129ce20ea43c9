// `npm run bench`: puts a server under a scenario and prints what it cost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DeviceLoad } from "./lib/device-load.ts";
import { eetPeer } from "./lib/eet-peer.ts";
import type { Peer } from "./lib/peer.ts";
import { type ProcessUsage, readProcessUsage } from "./lib/process-usage.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const usage = `npm run bench -- [scenario] [--connections N] [--seconds N]

Scenarios:
${scenarios.map(({ name, description }) => `  ${name.padEnd(8)}${description}`).join("\n")}`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { connections: { type: "string" }, seconds: { type: "string" }, help: { type: "boolean", short: "h" } },
});
const chosen = scenarios.find(({ name }) => name === (positionals[0] ?? scenarios[0]?.name));
if (values.help === true || chosen === undefined) {
  console.log(usage);
  process.exit(values.help === true ? 0 : 2);
}
const scenario: Scenario = {
  ...chosen,
  ...(values.connections !== undefined && { connectionCount: Number(values.connections) }),
  ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
};
process.exitCode = (await run(scenario, eetPeer)) ? 0 : 1;

async function run(scenario: Scenario, peer: Peer): Promise<boolean> {
  console.log(`${peer.name}: ${scenario.connectionCount} connections, ${scenario.seconds} s, ${scenario.codec}`);
  const folder = await mkdtemp(join(tmpdir(), "eet-bench-"));
  try {
    const running = await peer.start(folder);
    const load = new DeviceLoad(scenario);
    await load.open(running.port);
    const before = readProcessUsage(running.pid);
    const sent = await load.run();
    const after = readProcessUsage(running.pid);
    const stored = await running.stop();
    const sentCount = sent.connectionCount * sent.framesPerConnection;
    report(
      { sentCount, lateCount: sent.lateFrameCount, dropCount: sent.dropCount, ...stored },
      before,
      after,
      scenario,
    );
    return (
      stored.frameCount === sentCount && stored.gapCount === 0 && stored.problemCount === 0 && sent.dropCount === 0
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Counts {
  readonly sentCount: number;
  readonly frameCount: number;
  readonly gapCount: number;
  readonly problemCount: number;
  readonly lateCount: number;
  readonly dropCount: number;
}

function report(counts: Counts, before: ProcessUsage, after: ProcessUsage, { seconds }: Scenario): void {
  const { sentCount, frameCount, gapCount, problemCount, lateCount, dropCount } = counts;
  const perFrameUs = (key: "cpuMs" | "mainThreadCpuMs") => (((after[key] - before[key]) * 1000) / sentCount).toFixed(2);
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const cores = ((after.cpuMs - before.cpuMs) / (seconds * 1000)).toFixed(2);
  const rows = [
    ["frames sent", `${sentCount} (${lateCount} late by the load, ${dropCount} connections dropped)`],
    ["frames stored", `${frameCount} (${sentCount - frameCount} lost), ${gapCount} gaps, ${problemCount} problems`],
    ["CPU per frame", `${perFrameUs("cpuMs")} us, of which ${perFrameUs("mainThreadCpuMs")} us in the socket's thread`],
    ["CPU", `${cores} cores`],
    ["RSS", `${mib(before.rssBytes)} when connected, ${mib(after.rssBytes)} at the end`],
  ];
  for (const [name = "", value = ""] of rows) console.log(`  ${name.padEnd(15)}${value}`);
}
