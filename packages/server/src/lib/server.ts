import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createHttpApi, type Health } from "./api/http-api.ts";
import type { Catalog } from "./catalog/catalog.ts";
import { openCatalog } from "./catalog/sqlite-catalog.ts";
import type { Settings } from "./config/settings.ts";
import { DeviceProfiles } from "./device-profiles.ts";
import { Finisher } from "./finishing/finisher.ts";
import { recoverSegments } from "./finishing/recovery-store.ts";
import { WsEndpoint } from "./ingest/ws-endpoint.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import { ClosingStack } from "./kernel/closing-stack.ts";
import { StorageError, toError } from "./kernel/errors.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import { Recorder } from "./recording/recorder.ts";
import { SegmentPipeline } from "./segment-pipeline.ts";
import { readBootId } from "./storage/boot-id-store.ts";
import { openDataLock } from "./storage/data-lock-store.ts";
import { DiskGuard } from "./storage/disk-guard.ts";
import { connectionsForFdLimit, readFdLimit } from "./storage/fd-limit-store.ts";
import { FrameLog } from "./storage/frame-log-store.ts";
import { openUploading, type Uploading } from "./uploading.ts";

/** Connections when the system does not tell its limit of open files. */
const fallbackMaxConnections = 10_000;

/** What each part has for closing besides the time that the settings give to uploads. */
const closeGraceMs = 5_000;

export interface ServerOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Shown by `/healthz`. */
  readonly version: string;
  /** Default: the machine's clocks. */
  readonly clock?: Clock;
  /** Told of each segment once its files stand and the catalogue knows it. */
  readonly onSegmentClosed?: (segment: FinishedSegment) => void;
}

/** The parts of a running server that it asks for something. */
interface Parts {
  /** Stands in the openings of this run's segments. */
  readonly runId: string;
  readonly catalog: Catalog;
  readonly uploading: Uploading | undefined;
  readonly finisher: Finisher;
  readonly disk: DiskGuard;
  readonly recorder: Recorder;
  readonly endpoint: WsEndpoint;
}

/** A running server: receives, records, derives, catalogues, uploads. */
export class EetServer {
  readonly #parts: Parts;
  readonly #stack: ClosingStack;
  /** Settles when what an earlier run left is finished; never rejects. */
  readonly recovered: Promise<void>;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };

  private constructor(parts: Parts, stack: ClosingStack, recovered: Promise<void>, address: AddressInfo) {
    this.#parts = parts;
    this.#stack = stack;
    this.recovered = recovered;
    this.address = { host: address.address, port: address.port };
  }

  /**
   * Opens everything in order and begins to take connections; what an earlier run left is finished meanwhile. [S-3.3]
   *
   * @throws StorageError when the data folder is held by another server or cannot be used, when the catalogue is
   *   unreadable; ConfigError for an object store that cannot be set up; the system's error when the port is taken
   */
  static async open(options: ServerOptions): Promise<EetServer> {
    const stack = new ClosingStack(options.log, options.settings.server.shutdownTimeoutS * 1000 + closeGraceMs);
    try {
      const dataPath = resolve(options.settings.server.data);
      const parts = await openParts(options, dataPath, stack);
      const address = await listen(parts, options, stack);
      const stopping = stack.add(new AbortController(), (controller) => controller.abort());
      const recovered = recover(parts, options, dataPath, stopping.signal);
      return new EetServer(parts, stack, recovered, address);
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  /** Devices connected at this moment. */
  get connectionCount(): number {
    return this.#parts.endpoint.connectionCount;
  }

  /**
   * Stops in reverse order: no new connections, every segment closed and finished, uploads in flight brought to an end
   * within `shutdownTimeoutS`. Idempotent; never rejects.
   */
  close(): Promise<void> {
    return this.#stack.close();
  }
}

async function openParts(options: ServerOptions, dataPath: string, stack: ClosingStack): Promise<Parts> {
  const { settings, log, clock = systemClock, onSegmentClosed } = options;
  stack.add(openDataLock(dataPath), (lock) => lock.close());
  const receivedPath = join(dataPath, "received");
  await mkdir(receivedPath, { recursive: true });
  const runId = randomUUID();
  const frameLog = await openFrameLog(dataPath, runId, log);
  stack.add(frameLog, () => frameLog.close());
  const catalog = await openCatalog({ path: join(dataPath, "catalog.db"), log, clock });
  stack.add(catalog, () => catalog.close());
  const uploading = await openUploading({ s3: settings.s3, catalog, receivedPath, log, clock });
  stack.add(uploading, () => uploading?.close(settings.server.shutdownTimeoutS * 1000));
  const profiles = new DeviceProfiles(settings.devices, await catalog.deviceProfiles());
  const disk: DiskGuard = new DiskGuard({
    dataFolder: dataPath,
    log,
    onLow: (state) => {
      uploading?.makeRoom();
      if (state === "hard") recorder.failAll(diskFullError(disk));
    },
  });
  const pipeline = new SegmentPipeline({
    catalog,
    frameLog,
    profiles,
    receivedPath,
    runId,
    log,
    uploading,
    onSegmentClosed,
  });
  const finisher: Finisher = new Finisher({
    receivedPath,
    workerCount: settings.server.finishWorkers,
    log,
    wantsWav: () => settings.server.wav && disk.state === "ok",
    earlierOrderOf: async (session, index) => (await catalog.nibbleOrderOfSession(session, index))?.order,
    onFinished: (segment, closed) => pipeline.take(segment, closed),
    onEmpty: (closed) => pipeline.drop(closed),
  });
  stack.add(finisher, () => finisher.close());
  const recorder: Recorder = new Recorder({
    ...settings.server,
    flushIntervalMs: settings.server.flushMs,
    receivedPath,
    bootId: readBootId(),
    runId,
    frameLog,
    clock,
    listener: pipeline.listen(finisher),
    profileOf: (hwid) => profiles.profileOf(hwid),
  });
  stack.add(recorder, () => recorder.close());
  await disk.start();
  stack.add(disk, () => disk.close());
  const endpoint = new WsEndpoint({
    sink: recorder,
    clock,
    log,
    maxConnections: chooseMaxConnections(settings.server.maxConnections, log),
    adpcmLayoutOf: (hwid) => profiles.profileOf(hwid).adpcmLayout,
    refusalReason: () => (disk.state === "hard" ? diskFullError(disk) : undefined),
  });
  return { runId, catalog, uploading, finisher, disk, recorder, endpoint };
}

async function listen(
  parts: Parts,
  { settings, log, version }: ServerOptions,
  stack: ClosingStack,
): Promise<AddressInfo> {
  const app = createHttpApi({ log, health: () => readHealth(parts, version) });
  // The server closes only when its WebSockets have ended.
  app.addHook("preClose", () => parts.endpoint.stop());
  parts.endpoint.attach(app.server);
  stack.add(app, () => app.close());
  const { host, port } = settings.server;
  await app.listen({ host, port });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server listens on no TCP port");
  return address;
}

function openFrameLog(dataPath: string, runId: string, log: Log): Promise<FrameLog> {
  return FrameLog.open({
    folder: frameLogPath(dataPath),
    runId,
    onError: (error) => log.error({ error: error.message }, "frame log not written: a power cut now could cost more"),
  });
}

function frameLogPath(dataPath: string): string {
  return join(dataPath, "frame-log");
}

function diskFullError(disk: DiskGuard): StorageError {
  const freeMiB = Math.floor(disk.freeBytes / 2 ** 20);
  return new StorageError(
    "STORAGE_FULL",
    `the data folder's disk has ${freeMiB} MiB free, which is below its hard mark`,
  );
}

/** [S-2.6] */
function chooseMaxConnections(configured: number, log: Log): number {
  const fdLimit = readFdLimit();
  const carried = fdLimit === undefined ? fallbackMaxConnections : connectionsForFdLimit(fdLimit);
  const maxConnections = configured === 0 ? carried : Math.min(configured, carried);
  log.info({ maxConnections, fdLimit }, "connections are limited");
  return maxConnections;
}

async function recover(
  { runId, finisher, uploading }: Parts,
  { settings, log }: ServerOptions,
  dataPath: string,
  stopping: AbortSignal,
): Promise<void> {
  try {
    const result = await recoverSegments({
      receivedPath: join(dataPath, "received"),
      frameLogFolder: frameLogPath(dataPath),
      runId,
      bootId: readBootId(),
      wantsWav: settings.server.wav,
      log,
      finish: (segment, isRecovered) => {
        // Thrown, so that recovery does not take the rest for finished: the next start goes on with it.
        stopping.throwIfAborted();
        return finisher.finish(segment, isRecovered);
      },
    });
    log.info({ ...result }, "recovery done");
    await uploading?.catchUp();
  } catch (thrown) {
    if (!stopping.aborted)
      log.error({ error: toError(thrown).message }, "recovery stopped: the next start goes on with it");
  }
}

function readHealth(parts: Parts, version: string): Health {
  const { disk, endpoint, recorder, finisher, catalog, uploading } = parts;
  const { pending, uploading: inFlight, stored, failed } = catalog.uploads.counts();
  const isDegraded = disk.state !== "ok" || uploading?.isStoreDown === true || finisher.failedCount > 0;
  return {
    status: isDegraded ? "degraded" : "ok",
    version,
    uptimeS: Math.floor(process.uptime()),
    connections: endpoint.connectionCount,
    sessions: recorder.sessionCount,
    finishing: finisher.queueLength,
    unfinished: finisher.failedCount,
    disk: { state: disk.state, freeBytes: disk.freeBytes },
    uploads: uploading === undefined ? null : { pending, uploading: inFlight, stored, failed },
  };
}
