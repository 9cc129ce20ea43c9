import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Settings } from "./config/settings.ts";
import type { IngestHost, IngestOptions, IngestSurroundings } from "./hosting/ingest-host.ts";
import { IngestSide } from "./hosting/ingest-side.ts";
import { SpareWorkers } from "./hosting/spare-workers.ts";
import { WorkerHost } from "./hosting/worker-host.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { readBootId } from "./storage/boot-id-store.ts";

/** More would gain little: what is left to the server's own process becomes the narrow place. */
const mostAutomaticWorkers = 4;
/** Ten times what a worker is silent for while it works; a busy one says something late. */
const defaultSilenceMs = 10_000;

export interface WorkersOptions {
  readonly settings: Settings;
  /** Workers where the settings leave it to the machine. */
  readonly automaticWorkers: number;
  readonly log: Log;
}

export interface IngestingOptions {
  readonly settings: Settings;
  readonly dataPath: string;
  /** `data/received`, which exists. */
  readonly receivedPath: string;
  /** Whether segments go to an object store with their frames. */
  readonly hasUploads: boolean;
  /** Of what runs in this process; workers go by the machine's. */
  readonly clock: Clock;
  /** Processes for the ingest side; `undefined`: it runs in this one. */
  readonly workers: IngestWorkers | undefined;
  /** See `WorkerHostOptions`; default 10 s. */
  readonly maxWorkerSilenceMs: number | undefined;
  /** See `WorkerHostOptions`. */
  readonly onRunLost: (runId: string) => void;
}

/** Where the newest frames are, besides their segments. */
export function frameLogPath(dataPath: string): string {
  return join(dataPath, "frame-log");
}

/** Processes that are to be ingest workers, begun before the rest of the server is opened. */
export interface IngestWorkers {
  readonly count: number;
  readonly spares: SpareWorkers;
}

/** How many workers a machine gets where nobody says: people get a core of their own, and each worker takes memory. */
export function workersByCores(coreCount: number): number {
  return Math.min(Math.max(coreCount - 1, 0), mostAutomaticWorkers);
}

/** Begins the processes that the settings ask for; `undefined`: none. */
export function beginWorkers(options: WorkersOptions): IngestWorkers | undefined {
  const count = workerCountOf(options);
  return count === 0 ? undefined : { count, spares: new SpareWorkers(count) };
}

/** What a connection is encrypted by stays in the process that greeted it: it cannot be handed over. */
function workerCountOf({ settings, automaticWorkers, log }: WorkersOptions): number {
  const { ingestWorkers, tlsCert } = settings.server;
  if (ingestWorkers === "auto") return tlsCert === undefined ? automaticWorkers : 0;
  if (ingestWorkers === 0 || tlsCert === undefined) return ingestWorkers;
  const fix = "let a reverse proxy speak TLS (docs/operations.md), or leave Server:IngestWorkers at auto";
  log.warn({ fix }, "no ingest workers: connections by TLS cannot be handed to another process");
  return 0;
}

/** Opens what takes and records devices' frames, once it is ready. @throws what keeps it from that */
export async function openIngest(options: IngestingOptions, surroundings: IngestSurroundings): Promise<IngestHost> {
  const { dataPath, clock, onRunLost, workers, maxWorkerSilenceMs: maxSilenceMs = defaultSilenceMs } = options;
  const ingest = ingestOptionsOf(options);
  if (workers === undefined) return await IngestSide.open(ingest, { runId: randomUUID(), clock }, surroundings);
  const { count, spares } = workers;
  const fork = () => spares.take();
  return WorkerHost.start({ dataPath, count, fork, maxSilenceMs, clock, surroundings, onRunLost, options: ingest });
}

function ingestOptionsOf({ settings, dataPath, receivedPath, hasUploads }: IngestingOptions): IngestOptions {
  const { layout, rotateS, rotateAlign, gapFill, flushMs, ackMs, coalesceMs, ...limits } = settings.server;
  const { maxRateFactor, maxFramesPerS, maxControlFramesPerS, maxMessageBytes, maxFragments, maxEchoBytes } = limits;
  return {
    ...{
      layout,
      rotateS,
      rotateAlign,
      gapFill,
      flushIntervalMs: flushMs,
      ackIntervalMs: ackMs,
      coalesceMs,
      hasUploads,
    },
    ...{ maxRateFactor, maxFramesPerS, maxControlFramesPerS, maxMessageBytes, maxFragments, maxEchoBytes },
    ...{ receivedPath, frameLogFolder: frameLogPath(dataPath), bootId: readBootId() },
  };
}
