import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Sidecar, verifyFolder } from "@eet/server";
import { ServerProcess } from "../../test/support/server-process.ts";
import { LatencyHistogram } from "../lib/latency-histogram.ts";
import { readServerMetrics } from "../lib/server-metrics.ts";
import type { Peer, StoredFrames } from "./peer.ts";

/** How often the server is asked whether all is derived: its answer costs it some processor time. */
const settledIntervalMs = 250;

/** Flags of the servers of this run besides those of a scenario: what the command line asks for. */
export const runFlags: string[] = [];

/** This project's server, as `eet serve` runs it. */
export const eetPeer: Peer = {
  name: "eet",
  description: "this server: frames and their format on disk and synced, WAVs, hashes, levels, a catalogue",
  hasAcks: true,
  keeps: "recordings",
  start: async (folder, { flags = [], environment = {}, launcher = [] } = {}) => {
    const server = await ServerProcess.start({
      folder,
      flags: ["--log-level", "info", ...flags, ...runFlags],
      ...{ environment, launcher },
    });
    return {
      pid: server.pid,
      port: server.port,
      settled: () => allDerived(server.port),
      stop: async () => {
        const code = await server.stop();
        if (code !== 0) throw new Error(`the server ended with ${code}: ${server.errors}`);
        return countFrames(join(folder, "data/received"));
      },
    };
  },
};

async function allDerived(port: number): Promise<void> {
  for (;;) {
    const metrics = await readServerMetrics(port);
    const names = ["eet_streams", "eet_finishing_queue_length", 'eet_segments{state="finishing"}'];
    if (names.every((name) => (metrics.get(name) ?? 0) === 0)) return;
    await sleep(settledIntervalMs);
  }
}

async function countFrames(root: string): Promise<StoredFrames> {
  let [frameCount, gapCount, problemCount] = [0, 0, 0];
  const finishingLags = new LatencyHistogram();
  for await (const { segment, problems, isOpen } of verifyFolder(root)) {
    const path = join(root, segment);
    problemCount += problems.length + (isOpen ? 1 : 0);
    if (isOpen) continue;
    const sidecar: Sidecar = JSON.parse(await readFile(`${path}.json`, "utf8"));
    frameCount += sidecar.frames;
    gapCount += sidecar.gaps.length;
    finishingLags.add(await finishingLagMs(path));
  }
  return { frameCount, gapCount, problemCount, finishingLags };
}

/** The frames' last write is the segment's end; the WAV gets its name, which changes its ctime, when it is whole and synced. */
async function finishingLagMs(path: string): Promise<number> {
  const [bin, wav] = await Promise.all([stat(`${path}.bin`), stat(`${path}.wav`)]);
  return wav.ctimeMs - bin.mtimeMs;
}
