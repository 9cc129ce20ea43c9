import { setTimeout as sleep } from "node:timers/promises";
import { ServerProcess } from "../../test/support/server-process.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import type { BenchResult } from "./figure.ts";
import { leaveSegments } from "./left-segments.ts";
import { ObjectStore } from "./object-store.ts";
import { readProcessUsage } from "./process-usage.ts";
import { readServerMetrics } from "./server-metrics.ts";

/** Of audio: objects of about 2, 9 and 32 kB. */
const segmentS = 1;
/** Frames, WAV, sidecar. */
const objectsPerSegment = 3;
const intervalMs = 100;

/**
 * How fast many small objects reach a store on this machine: all wait in the queue before the store answers the first request.
 * The store has a process of its own and checks signatures and checksums. Sound when it has every object.
 */
export async function benchUploads(segmentCount: number): Promise<BenchResult> {
  await using folder = await makeBenchFolder();
  await using store = await ObjectStore.start();
  leaveSegments({ folder: folder.path, segmentCount, seconds: segmentS, of: "devices" });
  await store.hold();
  await using server = await ServerProcess.start({ folder: folder.path, environment: store.environment });
  await server.recovered();
  const before = readProcessUsage(server.pid);
  const startMs = performance.now();
  await store.release();
  while ((await readServerMetrics(server.port)).get("eet_upload_backlog_files") !== 0) await sleep(intervalMs);
  const seconds = (performance.now() - startMs) / 1000;
  const cpuMs = readProcessUsage(server.pid).cpuMs - before.cpuMs;
  const { objectCount, byteCount } = await store.read();
  const title = `uploads of ${segmentCount} segments of ${segmentS} s`;
  return {
    isSound: objectCount === segmentCount * objectsPerSegment,
    figures: [
      { name: `${title}: objects verified`, value: objectCount / seconds, unit: "1/s", better: "more" },
      { name: `${title}: bytes`, value: byteCount / 1e6 / seconds, unit: "MB/s", better: "more" },
      { name: `${title}: CPU per object`, value: cpuMs / objectCount, unit: "ms", better: "less" },
    ],
  };
}
