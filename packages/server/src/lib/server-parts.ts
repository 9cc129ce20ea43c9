import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { limits } from "@eet/protocol";
import { AbandonedSessions } from "./abandoned-sessions.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Settings } from "./config/settings.ts";
import { DeviceProfiles } from "./device-profiles.ts";
import { EndedSessions } from "./ended-sessions.ts";
import { Eventing } from "./eventing.ts";
import { Finisher } from "./finishing/finisher.ts";
import { openFolderCatalog } from "./folder-catalog.ts";
import { Guarding } from "./guarding.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import { WsEndpoint } from "./ingest/ws-endpoint.ts";
import { beginWorkers, type IngestWorkers, openIngest } from "./ingesting.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import type { ClosingStack } from "./kernel/closing-stack.ts";
import { StorageError, toError } from "./kernel/errors.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import { Limiting } from "./limiting.ts";
import { Listening } from "./listening.ts";
import { openPeople } from "./people.ts";
import { overviewPathOf } from "./playing.ts";
import type { RecoveryState } from "./readiness.ts";
import { recoverRun } from "./recovering-runs.ts";
import { Retaining } from "./retaining.ts";
import { LocalEviction } from "./retention/local-eviction.ts";
import { SegmentPipeline } from "./segment-pipeline.ts";
import { openDataLock, waitForWorkers } from "./storage/data-lock-store.ts";
import { DiskGuard } from "./storage/disk-guard.ts";
import { syncFolder } from "./storage/durable-file-store.ts";
import { openUploading, type Uploading } from "./uploading.ts";
import { Watching } from "./watching.ts";

export interface ServerOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Shown by `/healthz`. */
  readonly version: string;
  /** Default: the machine's clocks. */
  readonly clock?: Clock;
  /**
   * Variables that commands run for segments inherit, but for those that begin with `EET_` or hold secrets; of
   * `UV_THREADPOOL_SIZE` it depends how recovery syncs. Default: none.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Processes that take devices where `Server:IngestWorkers` leaves it to the machine. Default 0: this one takes them. */
  readonly automaticWorkers?: number;
  /** Time without a word from such a process after which it counts as hung and is replaced; default 10 s. */
  readonly maxWorkerSilenceMs?: number;
  /** Time for which a client of the API may take nothing of an answer that waits for it; default 30 s. */
  readonly maxReaderIdleMs?: number;
  /** Told of each segment once its files stand and the catalogue knows it. */
  readonly onSegmentClosed?: (segment: FinishedSegment) => void;
}

/** The parts of a running server that it asks for something. */
export interface Parts extends Storing, Recording {
  readonly recovery: { state: RecoveryState };
  readonly catalog: Catalog;
  readonly listening: Listening;
  readonly guarding: Guarding;
  readonly limiting: Limiting;
  readonly endpoint: WsEndpoint;
}

/** What becomes of segments once they are closed. */
interface Storing {
  readonly eventing: Eventing;
  readonly uploading: Uploading | undefined;
  readonly retaining: Retaining;
  readonly profiles: DeviceProfiles;
}

/** What becomes of frames until their segments are closed. */
interface Recording {
  readonly disk: DiskGuard;
  readonly finisher: Finisher;
  readonly endedSessions: EndedSessions;
  readonly abandonedSessions: AbandonedSessions;
  readonly watching: Watching;
  readonly ingest: IngestHost;
}

/** Opens everything that stands behind the sockets, in order. */
export async function openParts(options: ServerOptions, dataPath: string, stack: ClosingStack): Promise<Parts> {
  const { settings, log, clock = systemClock, automaticWorkers = 0 } = options;
  // Before all else: they load their modules meanwhile.
  const workers = beginWorkers({ settings, automaticWorkers, log });
  stack.add(workers, () => workers?.spares.close());
  const listening = await Listening.open({ settings: settings.server, clock, log });
  stack.add(listening, () => listening.close());
  const stores = await openStores(options, dataPath, stack);
  const people = openPeople(settings.oidc, { clock, log });
  const limiting = new Limiting(settings.server, log);
  const { limits } = limiting;
  const guarding = new Guarding({
    settings: settings.server,
    limits,
    dataPath,
    people,
    clock,
    log,
    tls: listening.tls,
  });
  stack.add(guarding, () => guarding.close());
  const storing = await openStoring(options, dataPath, stores, stack, () => recording);
  const recording: Recording = await openRecording(options, dataPath, { stores, storing, limiting, workers }, stack);
  const { disk, ingest } = recording;
  await disk.start();
  stack.add(disk, () => disk.close());
  const endpoint = new WsEndpoint({
    ...limiting.ofDevices,
    ...{ clock, log, tally: limiting.tally, devices: ingest, gate: guarding },
    refusalReason: () => (disk.state === "hard" ? diskFullError(disk) : undefined),
  });
  const { catalog } = stores;
  const recovery = { state: "running" as const };
  return { ...storing, ...recording, recovery, catalog, listening, guarding, limiting, endpoint };
}

/** What is recorded is kept by these. */
interface Stores {
  /** `data/received` */
  readonly receivedPath: string;
  readonly catalog: Catalog;
}

async function openStores(
  { log, clock = systemClock }: ServerOptions,
  dataPath: string,
  stack: ClosingStack,
): Promise<Stores> {
  stack.add(openDataLock(dataPath), (lock) => lock.close());
  await waitForWorkers(dataPath);
  const receivedPath = join(dataPath, "received");
  await mkdir(receivedPath, { recursive: true });
  // What is acknowledged is found by the names of these folders.
  for (const folder of [dataPath, dirname(dataPath)]) await syncFolder(folder);
  const catalog = await openFolderCatalog(dataPath, { log, clock });
  stack.add(catalog, () => catalog.close());
  return { receivedPath, catalog };
}

/** Closed behind all that writes events. */
async function openEventing(
  { settings, log, version, clock = systemClock, environment = {} }: ServerOptions,
  { catalog, receivedPath }: Stores,
  stack: ClosingStack,
): Promise<Eventing> {
  const options = { settings: settings.events, catalog, receivedPath, environment, version, clock, log };
  const eventing = await Eventing.open(options);
  return stack.add(eventing, () => eventing.close(settings.server.shutdownTimeoutS * 1000));
}

async function openStoring(
  options: ServerOptions,
  dataPath: string,
  stores: Stores,
  stack: ClosingStack,
  recording: () => Recording,
): Promise<Storing> {
  const { settings, log, clock = systemClock } = options;
  const { catalog, receivedPath } = stores;
  const eventing = await openEventing(options, stores, stack);
  const eviction = new LocalEviction({ catalog, receivedPath, log, clock });
  stack.add(eviction, () => eviction.close());
  const uploading = await openUploading({
    ...{ s3: settings.s3, catalog, receivedPath, eviction, log, clock },
    onSegmentStored: (segmentId) => void tellUploaded(segmentId, { ...recording(), catalog }, log),
  });
  stack.add(uploading, () => uploading?.close(settings.server.shutdownTimeoutS * 1000));
  const retaining = new Retaining({ settings, catalog, eviction, uploading, dataPath, log, clock });
  stack.add(retaining, () => retaining.close());
  const profiles = new DeviceProfiles(settings.devices, await catalog.deviceProfiles());
  return { eventing, uploading, retaining, profiles };
}

/** What recording is opened with. */
interface RecordingParts {
  readonly stores: Stores;
  readonly storing: Storing;
  readonly limiting: Limiting;
  readonly workers: IngestWorkers | undefined;
}

async function openRecording(
  options: ServerOptions,
  dataPath: string,
  parts: RecordingParts,
  stack: ClosingStack,
): Promise<Recording> {
  const { settings, log, clock = systemClock, maxWorkerSilenceMs } = options;
  const { receivedPath, catalog } = parts.stores;
  const { eventing, uploading, profiles } = parts.storing;
  const { limiting, workers } = parts;
  // A segment counts as stored only with its frames.
  const hasUploads = uploading?.kinds.includes("bin") ?? false;
  const stopping = new AbortController();
  const onRunLost = (runId: string) =>
    void recoverRun(runId, {
      ...{ dataPath, finisher, pipeline, endedSessions, abandonedSessions, log },
      stopping: stopping.signal,
    });
  const ingest = await openIngest(
    { settings, dataPath, receivedPath, hasUploads, clock, workers, maxWorkerSilenceMs, onRunLost },
    {
      ...{ log, tally: limiting.tally },
      onRecording: (event) => listener(event),
      onConnection: (event) => eventing.takeConnection(event),
      findEnded: (session) => endedSessions.find(session),
      profileOf: (hwid) => profiles.profileOf(hwid),
    },
  );
  stack.add(ingest, () => ingest.close());
  const disk = createDiskGuard(options, dataPath, parts.storing, ingest);
  const pipeline = createPipeline(options, parts, ingest);
  const finisher = createFinisher(options, dataPath, parts, { disk, pipeline });
  stack.add(finisher, () => finisher.close());
  const endedSessions = new EndedSessions({ catalog, finisher, clock, log });
  const abandonedSessions = new AbandonedSessions({
    ...{ catalog, finisher, resumeTtlMs: limits.resumeTtlS * 1000, clock, log },
    isLive: (session) => pipeline.isLive(session),
  });
  stack.add(abandonedSessions, () => abandonedSessions.close());
  const watching = new Watching({ ...{ ingest, profiles, clock, log }, ...limiting.ofViewers });
  const listener = watching.listen(pipeline.listen(finisher));
  stack.add(ingest, () => ingest.endSessions());
  stack.add(stopping, () => stopping.abort());
  return { disk, finisher, endedSessions, abandonedSessions, watching, ingest };
}

function createFinisher(
  { settings, log, environment = {} }: ServerOptions,
  dataPath: string,
  { stores }: RecordingParts,
  { disk, pipeline }: { readonly disk: DiskGuard; readonly pipeline: SegmentPipeline },
): Finisher {
  const { catalog, receivedPath } = stores;
  return new Finisher({
    receivedPath,
    overviewPath: () => (disk.state === "ok" ? overviewPathOf(dataPath) : undefined),
    workerCount: settings.server.finishWorkers,
    systemThreadCount: Number(environment["UV_THREADPOOL_SIZE"]) || undefined,
    log,
    wantsWav: () => settings.server.wav && disk.state === "ok",
    earlierOrderOf: async (session, index) =>
      index === 0 ? undefined : (await catalog.nibbleOrderOfSession(session, index))?.order,
    onFinished: (segment, closed) => pipeline.take(segment, closed),
    onEmpty: (closed) => pipeline.drop(closed),
  });
}

function createDiskGuard(
  { log }: ServerOptions,
  dataPath: string,
  { eventing, retaining }: Storing,
  ingest: IngestHost,
): DiskGuard {
  const disk: DiskGuard = new DiskGuard({
    dataFolder: dataPath,
    log,
    hoursLeft: (space) => retaining.headroomHours(space),
    onState: (state, space) => eventing.takeDisk({ state, ...space, headroomHours: retaining.headroomHours(space) }),
    onLow: (state) => {
      retaining.makeRoom();
      if (state === "hard") ingest.failAll(diskFullError(disk));
    },
  });
  return disk;
}

function createPipeline(
  { log, onSegmentClosed }: ServerOptions,
  { stores, storing }: RecordingParts,
  ingest: IngestHost,
): SegmentPipeline {
  const { catalog, receivedPath } = stores;
  const { eventing, retaining, uploading, profiles } = storing;
  return new SegmentPipeline({
    ...{ catalog, ingest, profiles, receivedPath, log, uploading },
    onSegmentClosed: (segment) => {
      eventing.takeSegment(segment);
      retaining.takeSegment(segment);
      onSegmentClosed?.(segment);
    },
  });
}

/** Why nothing can be recorded now. */
export function diskFullError(disk: DiskGuard): StorageError {
  const freeMiB = Math.floor(disk.freeBytes / 2 ** 20);
  return new StorageError(
    "STORAGE_FULL",
    `the data folder's disk has ${freeMiB} MiB free, which is below its hard mark`,
  );
}

/** Tells the connection of an acknowledged session what the object store holds of it. */
async function tellUploaded(
  segmentId: number,
  { catalog, finisher, ingest }: Pick<Parts, "catalog" | "finisher" | "ingest">,
  log: Log,
): Promise<void> {
  try {
    const found = await catalog.sessionOfSegment(segmentId);
    if (found?.isAcked !== true || !ingest.isHeld(found.session)) return;
    // The catalogue does not know of a segment that is still to be finished: what lies behind it is told later.
    if (finisher.hasFailed(found.session)) return;
    const nextSeq = await catalog.uploadedNext(found.session);
    if (nextSeq !== undefined) ingest.noteUploaded(found.session, nextSeq);
  } catch (thrown) {
    log.warn({ segmentId, error: toError(thrown).message }, "progress of uploads not told to the device");
  }
}
