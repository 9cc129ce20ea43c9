import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Settings } from "./config/settings.ts";
import type { IngestHost, IngestOptions, IngestSurroundings } from "./hosting/ingest-host.ts";
import { IngestSide } from "./hosting/ingest-side.ts";
import { WorkerHost } from "./hosting/worker-host.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { readBootId } from "./storage/boot-id-store.ts";

export interface IngestingOptions {
  readonly settings: Settings;
  readonly dataPath: string;
  /** `data/received`, which exists. */
  readonly receivedPath: string;
  /** Whether segments go to an object store with their frames. */
  readonly hasUploads: boolean;
  /** Of what runs in this process; workers go by the machine's. */
  readonly clock: Clock;
  /** See `WorkerHostOptions`. */
  readonly onRunLost: (runId: string) => void;
}

/** Where the newest frames are, besides their segments. */
export function frameLogPath(dataPath: string): string {
  return join(dataPath, "frame-log");
}

/** Opens what takes and records devices' frames. @throws what keeps it from that */
export function openIngest(options: IngestingOptions, surroundings: IngestSurroundings): Promise<IngestHost> {
  const { settings, dataPath, clock, onRunLost } = options;
  const count = workerCountOf(settings, surroundings.log);
  const ingest = ingestOptionsOf(options);
  if (count === 0) return IngestSide.open(ingest, { runId: randomUUID(), clock }, surroundings);
  return WorkerHost.open({ ...{ dataPath, count, clock, surroundings, onRunLost }, options: ingest });
}

/** What a connection is encrypted by stays in the process that greeted it: it cannot be handed over. */
function workerCountOf({ server }: Settings, log: Log): number {
  const { ingestWorkers, tlsCert } = server;
  if (ingestWorkers === 0 || tlsCert === undefined) return ingestWorkers;
  const fix = "let a reverse proxy speak TLS (docs/operations.md), or leave Server:IngestWorkers at 0";
  log.warn({ fix }, "no ingest workers: connections by TLS cannot be handed to another process");
  return 0;
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
