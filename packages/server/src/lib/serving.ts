import { join } from "node:path";
import type { ApiSources } from "./api/api-sources.ts";
import { withConnectedDevices } from "./api/connected-devices.ts";
import type { ServerFigures } from "./api/metrics/server-figures.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Eventing } from "./eventing.ts";
import type { Finisher } from "./finishing/finisher.ts";
import type { Guarding } from "./guarding.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import type { WsEndpoint } from "./ingest/ws-endpoint.ts";
import type { Clock } from "./kernel/clock.ts";
import type { ClosingStack } from "./kernel/closing-stack.ts";
import type { Log } from "./kernel/log.ts";
import type { Listening } from "./listening.ts";
import type { OverviewKeeper } from "./playback/overview-source.ts";
import type { Playback } from "./playback/playback.ts";
import { createPlayback } from "./playing.ts";
import type { Retaining } from "./retaining.ts";
import { SegmentCounts } from "./segment-counts.ts";
import { SimulatedDevices } from "./simulation/simulated-devices.ts";
import type { DiskGuard } from "./storage/disk-guard.ts";
import { readStorage } from "./storage-facts.ts";
import type { Uploading } from "./uploading.ts";
import type { Watching } from "./watching.ts";

export interface ServingParts {
  readonly version: string;
  readonly dataPath: string;
  /** See Server:SimulatedDevices. */
  readonly simulatedDevices: number;
  readonly catalog: Catalog;
  readonly eventing: Eventing;
  readonly retaining: Retaining;
  readonly uploading: Uploading | undefined;
  readonly finisher: Finisher;
  readonly ingest: IngestHost;
  readonly endpoint: WsEndpoint;
  readonly watching: Pick<Watching, "figures" | "showPast">;
  readonly disk: DiskGuard;
  readonly guarding: Guarding;
  readonly listening: Pick<Listening, "own" | "tls">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens the reading side of a running server: what the API reads, and whom it asks. */
export function openServing(parts: ServingParts, stack: ClosingStack): ApiSources {
  const { version, dataPath, catalog, eventing, retaining, uploading, guarding, clock, log } = parts;
  const { reader } = catalog;
  const keeper: OverviewKeeper = {
    mayStore: () => parts.disk.state === "ok",
    noteStored: (segment) => retaining.takeOverview(segment),
  };
  const playback = createPlayback({ reader, dataPath, uploading, log, keeper });
  stack.add(playback, () => playback.close());
  parts.watching.showPast((ask) => playback.past(ask));
  const segments = new SegmentCounts(catalog.retention, clock);
  const simulation = new SimulatedDevices({
    ...{ maxCount: parts.simulatedDevices, token: guarding.ownSecret, clock },
    entrance: () => parts.listening.own,
  });
  stack.add(simulation, () => simulation.close());
  return {
    simulation,
    guard: guarding.guard,
    version,
    receivedPath: join(dataPath, "received"),
    // A device is there as soon as it connects.
    reader: withConnectedDevices(reader, eventing.online),
    annotations: catalog.annotations,
    events: catalog.events,
    feed: eventing.feed,
    deliveries: catalog.deliveries,
    onReplayed: () => eventing.notify(),
    uploads: catalog.uploads,
    onRetried: () => uploading?.retryNow(),
    storage: () => readStorage(parts),
    onDeleted: () => retaining.noteDeleted(),
    playback,
    presence: eventing.online,
    objects: uploading?.objects,
    planRetention: () => retaining.retention.plan(),
    runRetention: (options) => retaining.retention.run(options),
    figures: () => readFigures(parts, segments, playback),
    clock,
    log,
  };
}

function readFigures(
  parts: ServingParts,
  segments: SegmentCounts,
  playback: Pick<Playback, "crashCount">,
): ServerFigures {
  const { catalog, eventing, retaining, uploading, finisher, ingest, endpoint, disk, clock } = parts;
  const recorded = ingest.figures;
  return {
    connectionCount: endpoint.connectionCount,
    onlineDeviceCount: eventing.online.count,
    sessionCount: recorded.sessionCount,
    frameTotal: recorded.frameCount,
    byteTotal: recorded.byteCount,
    gapTotal: recorded.gapCount,
    duplicateTotal: recorded.duplicateCount,
    flushLatency: recorded.flushLatency,
    syncLatency: recorded.syncLatency,
    finishingCount: finisher.queueLength,
    ingestWorkers: ingest.workers,
    finishCrashTotal: finisher.crashCount,
    playbackCrashTotal: playback.crashCount,
    unfinishedCount: finisher.failedCount,
    segments: segments.read(),
    uploads: uploading === undefined ? undefined : catalog.uploads.counts(),
    deliveries: catalog.deliveries.counts(),
    live: parts.watching.figures,
    disk: { state: disk.state, ...disk.space, headroomHours: retaining.headroomHours(disk.space) },
    tls: parts.listening.tls?.times,
    isInsecureOpen: parts.guarding.mode === "insecure-open",
    nowMs: clock.wallMs(),
  };
}
