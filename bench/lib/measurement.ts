import type { Peer, RunningPeer, StoredFrames } from "../peers/peer.ts";
import type { Scenario } from "../scenarios.ts";
import { type ApiProbe, ApiProber } from "./api-prober.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import { BenchViewer } from "./bench-viewer.ts";
import { DeviceLoad, type LoadResult } from "./device-load.ts";
import { ObjectStore } from "./object-store.ts";
import { oneCoreLauncher } from "./one-core.ts";
import { type ProcessUsage, readProcessUsage } from "./process-usage.ts";
import { readServerMetrics, type ServingFigures, servingFigures } from "./server-metrics.ts";
import { SlowViewers } from "./slow-viewers.ts";
import { UsageWatch } from "./usage-watch.ts";

/** What a peer did under a scenario, and what it cost. */
export interface Measurement {
  readonly sentCount: number;
  readonly sent: LoadResult;
  readonly stored: StoredFrames;
  /** Nobody has connected yet. */
  readonly idle: ProcessUsage;
  /** All are connected, nothing is sent. */
  readonly before: ProcessUsage;
  /** All is sent, all are still connected. */
  readonly after: ProcessUsage;
  /** All have ended: the server has everything. */
  readonly ended: ProcessUsage;
  /** All have ended, and all that came is derived: whatever was put off is in it. */
  readonly settled: ProcessUsage;
  /** From the first frame until all devices have ended: for a flood, when the server had everything. */
  readonly endedMs: number;
  /** Processor time of the load itself from the first frame to the last. */
  readonly loadCpuMs: number;
  /** Levels that a viewer was shown; 0 without one. */
  readonly shownLevelCount: number;
  /** Memory every ten seconds while frames came. */
  readonly rssBytes: readonly number[];
  /** Of this project's server alone. */
  readonly serving: ServingFigures | undefined;
  /** Of a scenario that is probed. */
  readonly api: ApiProbe | undefined;
}

/** Puts a fresh peer under a scenario. */
export async function measure(scenario: Scenario, peer: Peer): Promise<Measurement> {
  await using folder = await makeBenchFolder();
  await using store = scenario.hasUploads ? await ObjectStore.start() : undefined;
  const running = await peer.start(folder.path, {
    flags: scenario.flags,
    ...(store !== undefined && { environment: store.environment }),
    launcher: scenario.isOnOneCore ? oneCoreLauncher() : [],
  });
  const found = await putUnderLoad(scenario, running, peer.keeps === "recordings");
  return { ...found, stored: await running.stop() };
}

async function putUnderLoad(
  scenario: Scenario,
  { pid, port, settled }: RunningPeer,
  isOwnServer: boolean,
): Promise<Omit<Measurement, "stored">> {
  const { watchedCount, slowViewerCount, connectionCount, isProbed } = scenario;
  const idle = readProcessUsage(pid);
  const load = new DeviceLoad(scenario);
  await load.open(port);
  const viewer = watchedCount === 0 ? undefined : await BenchViewer.open(port, watchedCount);
  const slowViewers =
    slowViewerCount === 0 ? undefined : await SlowViewers.open(port, slowViewerCount, connectionCount);
  const prober = isProbed ? await ApiProber.start(port) : undefined;
  const metricsBefore = isOwnServer ? await readServerMetrics(port) : undefined;
  const watch = new UsageWatch(pid);
  const loadCpu = process.cpuUsage();
  const before = readProcessUsage(pid);
  const startMs = performance.now();
  await load.send();
  const after = readProcessUsage(pid);
  const { user, system } = process.cpuUsage(loadCpu);
  const rssBytes = watch.stop();
  const serving = metricsBefore && servingFigures(metricsBefore, await readServerMetrics(port));
  const api = await prober?.stop();
  const shownLevelCount = viewer?.levelCount ?? 0;
  viewer?.close();
  slowViewers?.close();
  const sent = await load.finish();
  const endedMs = performance.now() - startMs;
  const ended = readProcessUsage(pid);
  await settled?.();
  const sentCount = sent.connectionCount * sent.framesPerConnection;
  return {
    ...{ sentCount, sent, idle, before, after, ended, settled: readProcessUsage(pid) },
    ...{ endedMs, loadCpuMs: (user + system) / 1000, shownLevelCount, rssBytes, serving, api },
  };
}

/** Whether nothing was lost, and nothing was left unacknowledged. */
export function isSound({ sentCount, sent, stored }: Measurement): boolean {
  const { frameCount, gapCount, problemCount } = stored;
  return (
    frameCount === sentCount && gapCount === 0 && problemCount === 0 && sent.dropCount === 0 && sent.unackedCount === 0
  );
}

/** Share of the frames that the load itself sent too late: frames that come in heaps cost less than those that come in time. */
export function lateShare({ sent, sentCount }: Pick<Measurement, "sent" | "sentCount">): number {
  return sent.lateFrameCount / sentCount;
}

/**
 * CPU per frame in microseconds, from the first frame until all that came is derived: of the whole process tree, or of the
 * first process' main thread alone.
 */
export function cpuPerFrameUs(measurement: Measurement, key: "cpuMs" | "mainThreadCpuMs" = "cpuMs"): number {
  return ((measurement.settled[key] - measurement.before[key]) * 1000) / measurement.sentCount;
}

/** Memory at the end against that of the server before anybody had connected, KiB per stream. */
export function rssPerStreamKiB({ idle, after, sent }: Measurement): number {
  return (after.rssBytes - idle.rssBytes) / 1024 / sent.connectionCount;
}

/**
 * Frames that one core's time carries in a second, by what the whole process tree used until all had been received, or all
 * that came was derived.
 */
export function framesPerCoreSecond(measurement: Measurement, until: "ended" | "settled"): number {
  return (measurement.sentCount * 1000) / (measurement[until].cpuMs - measurement.before.cpuMs);
}
