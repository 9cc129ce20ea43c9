import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Settings } from "./config/settings.ts";
import type { IngestHost, IngestOptions, IngestSurroundings } from "./hosting/ingest-host.ts";
import { IngestSide } from "./hosting/ingest-side.ts";
import type { Clock } from "./kernel/clock.ts";
import { readBootId } from "./storage/boot-id-store.ts";

export interface IngestingOptions {
  readonly settings: Settings;
  readonly dataPath: string;
  /** `data/received`, which exists. */
  readonly receivedPath: string;
  /** Whether segments go to an object store with their frames. */
  readonly hasUploads: boolean;
  readonly clock: Clock;
}

/** Where the newest frames are, besides their segments. */
export function frameLogPath(dataPath: string): string {
  return join(dataPath, "frame-log");
}

/** Opens what takes and records devices' frames. */
export function openIngest(options: IngestingOptions, surroundings: IngestSurroundings): Promise<IngestHost> {
  return IngestSide.open(ingestOptionsOf(options), { runId: randomUUID(), clock: options.clock }, surroundings);
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
