import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import type { FastifyInstance } from "fastify";
import { createHttpApi, type Health } from "./api/http-api.ts";
import type { Catalog } from "./catalog/catalog.ts";
import { openCatalog } from "./catalog/sqlite-catalog.ts";
import type { Settings } from "./config/settings.ts";
import { DeviceProfiles } from "./device-profiles.ts";
import { Finisher } from "./finishing/finisher.ts";
import { recoverSegments } from "./finishing/recovery.ts";
import { WsEndpoint } from "./ingest/ws-endpoint.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import { StorageError, toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import { Recorder } from "./recording/recorder.ts";
import { SegmentPipeline } from "./segment-pipeline.ts";
import { readBootId } from "./storage/boot-id-store.ts";
import { type DataLock, openDataLock } from "./storage/data-lock-store.ts";
import { DiskGuard } from "./storage/disk-guard.ts";
import { connectionsForFdLimit, readFdLimit } from "./storage/fd-limit-store.ts";
import { FrameLog } from "./storage/frame-log-store.ts";
import { openUploading, type Uploading } from "./uploading.ts";

/** Connections when the system does not tell its limit of open files. */
const fallbackMaxConnections = 10_000;

export interface ServerOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Shown by `/healthz`. */
  readonly version: string;
  /** Default: the machine's clocks. */
  readonly clock?: Clock;
}

/** The parts of a running server, in the order in which they are opened. */
interface Parts {
  /** Stands in the openings of this run's segments. */
  readonly runId: string;
  readonly lock: DataLock;
  readonly frameLog: FrameLog;
  readonly catalog: Catalog;
  readonly uploading: Uploading | undefined;
  readonly finisher: Finisher;
  readonly disk: DiskGuard;
  readonly recorder: Recorder;
  readonly endpoint: WsEndpoint;
  readonly app: FastifyInstance;
}

/** A running server: receives, records, derives, catalogues, uploads. */
export class EetServer {
  readonly #parts: Parts;
  readonly #settings: Settings;
  readonly #log: Log;
  /** Settles when what an earlier run left is finished; never rejects. */
  readonly recovered: Promise<void>;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts, options: ServerOptions, recovered: Promise<void>, address: AddressInfo) {
    this.#parts = parts;
    this.#settings = options.settings;
    this.#log = options.log;
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
    const dataPath = resolve(options.settings.server.data);
    const lock = openDataLock(dataPath);
    try {
      const parts = await openParts(options, dataPath, lock);
      const { host, port } = options.settings.server;
      await parts.app.listen({ host, port });
      const address = parts.app.server.address();
      if (address === null || typeof address === "string") throw new TypeError("the server listens on no TCP port");
      const recovered = recover(parts, options, dataPath);
      return new EetServer(parts, options, recovered, address);
    } catch (error) {
      lock.close();
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
    this.#closing ??= this.#closeParts();
    return this.#closing;
  }

  async #closeParts(): Promise<void> {
    const { lock, frameLog, catalog, uploading, finisher, disk, recorder, endpoint, app } = this.#parts;
    const steps: readonly (() => Promise<unknown> | undefined)[] = [
      () => endpoint.stop(),
      () => recorder.close(),
      () => this.recovered,
      () => finisher.close(),
      () => uploading?.close(this.#settings.server.shutdownTimeoutS * 1000),
      () => disk.close(),
      () => catalog.close(),
      () => frameLog.close(),
      () => app.close(),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (thrown) {
        // One part that fails to close must not keep the others from it.
        this.#log.error({ error: toError(thrown).message }, "a part did not close cleanly");
      }
    }
    lock.close();
  }
}

async function openParts(options: ServerOptions, dataPath: string, lock: DataLock): Promise<Parts> {
  const { settings, log, clock = systemClock } = options;
  const receivedPath = join(dataPath, "received");
  await mkdir(receivedPath, { recursive: true });
  const runId = randomUUID();
  const frameLog = await FrameLog.open({
    folder: frameLogPath(dataPath),
    runId,
    onError: (error) => log.error({ error: error.message }, "frame log not written: a power cut now could cost more"),
  });
  const catalog = await openCatalog({ path: join(dataPath, "catalog.db"), log, clock });
  const uploading = openUploading({ s3: settings.s3, catalog, receivedPath, log, clock });
  const profiles = new DeviceProfiles(settings.devices, await catalog.deviceProfiles());
  const disk: DiskGuard = new DiskGuard({
    dataFolder: dataPath,
    log,
    onLow: (state) => {
      if (state === "hard") recorder.failAll(diskFullError(disk));
    },
  });
  const pipeline = new SegmentPipeline({ catalog, frameLog, profiles, receivedPath, runId, log, uploading });
  const finisher: Finisher = new Finisher({
    receivedPath,
    workerCount: settings.server.finishWorkers,
    log,
    wantsWav: () => settings.server.wav && disk.state === "ok",
    earlierOrderOf: async (session, index) => (await catalog.nibbleOrderOfSession(session, index))?.order,
    onFinished: (segment, closed) => pipeline.take(segment, closed),
  });
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
  await disk.start();
  const endpoint = new WsEndpoint({
    sink: recorder,
    clock,
    log,
    maxConnections: chooseMaxConnections(settings.server.maxConnections, log),
    adpcmLayoutOf: (hwid) => profiles.profileOf(hwid).adpcmLayout,
    refusalReason: () => (disk.state === "hard" ? diskFullError(disk) : undefined),
  });
  const parts = { runId, lock, frameLog, catalog, uploading, finisher, disk, recorder, endpoint };
  const app = createHttpApi({ log, health: () => readHealth(parts, options.version) });
  endpoint.attach(app.server);
  return { ...parts, app };
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

async function recover(parts: Parts, { settings, log }: ServerOptions, dataPath: string): Promise<void> {
  const { runId, finisher, uploading } = parts;
  try {
    const result = await recoverSegments({
      receivedPath: join(dataPath, "received"),
      frameLogFolder: frameLogPath(dataPath),
      runId,
      bootId: readBootId(),
      wantsWav: settings.server.wav,
      log,
      finish: (segment, isRecovered) => finisher.finish(segment, isRecovered),
    });
    if (result.recoveredCount + result.rederivedCount > 0) log.info({ ...result }, "segments of an earlier run finished");
    await uploading?.enqueueMissing();
  } catch (thrown) {
    log.error({ error: toError(thrown).message }, "recovery stopped: the next start goes on with it");
  }
}

function readHealth(parts: Omit<Parts, "app">, version: string): Health {
  const { disk, endpoint, recorder, finisher, catalog, uploading } = parts;
  const { pending, uploading: inFlight, stored, failed } = catalog.uploads.counts();
  const isDegraded = disk.state !== "ok" || uploading?.isStoreDown === true;
  return {
    status: isDegraded ? "degraded" : "ok",
    version,
    uptimeS: Math.floor(process.uptime()),
    connections: endpoint.connectionCount,
    sessions: recorder.sessionCount,
    finishing: finisher.queueLength,
    disk: { state: disk.state, freeBytes: disk.freeBytes },
    uploads: uploading === undefined ? null : { pending, uploading: inFlight, stored, failed },
  };
}
