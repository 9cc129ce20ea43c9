import { join } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import packageJson from "../../package.json" with { type: "json" };
import type { ApiSources } from "./api/api-sources.ts";
import { createHttpApi } from "./api/http-api.ts";
import type { ServerFigures } from "./api/metrics/server-figures.ts";
import type { Catalog } from "./catalog/catalog.ts";
import { openCatalog, openCatalogToRead } from "./catalog/sqlite-catalog.ts";
import type { Settings } from "./config/settings.ts";
import { EventFeed } from "./events/event-feed.ts";
import { systemClock } from "./kernel/clock.ts";
import { ClosingStack } from "./kernel/closing-stack.ts";
import { RequestError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { ObjectReader } from "./kernel/object-reader.ts";
import { Playback } from "./playback/playback.ts";
import { overviewPathOf } from "./playing.ts";
import { Headroom } from "./retention/headroom.ts";
import { LocalEviction } from "./retention/local-eviction.ts";
import { Retention } from "./retention/retention.ts";
import { createRetentionPolicy } from "./retention/retention-policy.ts";
import { SegmentDeleter } from "./retention/segment-deleter.ts";
import { openDataLock } from "./storage/data-lock-store.ts";
import { diskState, marksForDisk, readDiskSpace } from "./storage/disk-space-store.ts";
import { readFolderStorage } from "./storage-facts.ts";

const hourMs = 3_600_000;
const closeTimeoutMs = 10_000;

export interface LibraryOptions {
  readonly dataFolder: string;
  /** Quotas, and the object store for what is not on the disk any more. */
  readonly settings: Settings;
  readonly log: Log;
}

/** A request to the API. */
export interface LibraryRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
}

/**
 * What was recorded to a data folder, asked by the REST API without a server: the same paths, the same answers. Reading
 * disturbs no server that records to the folder; what writes takes the folder's lock for as long as it lasts.
 */
export interface Library {
  /**
   * @param path - from `/api/v1` on, with the query
   * @throws StorageError `STORAGE_LOCKED` for a request that writes while a server runs
   */
  request(path: string, request?: LibraryRequest): Promise<Response>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** @throws StorageError `CATALOG_UNREADABLE`; ConfigError for an object store that cannot be set up */
export async function openLibrary(options: LibraryOptions): Promise<Library> {
  const readSide = await openSide(options, openCatalogToRead);
  return {
    request: async (path, request = {}) => {
      if ((request.method ?? "GET") === "GET") return await inject(readSide.app, path, request);
      const lock = openDataLock(options.dataFolder);
      try {
        const writeSide = await openSide(options, openCatalog);
        try {
          return await inject(writeSide.app, path, request);
        } finally {
          await writeSide.close();
        }
      } finally {
        lock.close();
      }
    },
    close: readSide.close,
  };
}

interface Side {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

async function openSide({ dataFolder, settings, log }: LibraryOptions, open: typeof openCatalog): Promise<Side> {
  const stack = new ClosingStack(log, closeTimeoutMs);
  try {
    const catalog = await open({ path: join(dataFolder, "catalog.db"), log, clock: systemClock });
    stack.add(catalog, () => catalog.close());
    const objects = await openObjects(settings, stack);
    const sources = openSources({ dataFolder, settings, log }, catalog, objects, stack);
    const health = () => {
      throw new RequestError("NOT_FOUND", "a folder that is read has no health; ask a server");
    };
    const app = createHttpApi({ log, health, readiness: health, sources });
    stack.add(app, () => app.close());
    await app.ready();
    return { app, close: () => stack.close() };
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** `undefined` where uploads are off: what was evicted cannot be had then. */
async function openObjects({ s3 }: Settings, stack: ClosingStack): Promise<ObjectReader | undefined> {
  if (!s3.enabled) return undefined;
  const { S3ObjectStore } = await import("./upload/s3-object-store.ts");
  return stack.add(new S3ObjectStore(s3), (store) => store.close());
}

function openSources(
  { dataFolder, settings, log }: LibraryOptions,
  catalog: Catalog,
  objects: ObjectReader | undefined,
  stack: ClosingStack,
): ApiSources {
  const clock = systemClock;
  const { reader, annotations, events, deliveries } = catalog;
  const receivedPath = join(dataFolder, "received");
  const overviewPath = overviewPathOf(dataFolder);
  // Who only reads a folder adds nothing to its disk, of which a server may hold account.
  const keeper = { mayStore: () => false, noteStored: () => {} };
  const playback = new Playback({ reader, receivedPath, overviewPath, log, keeper, ...(objects && { objects }) });
  stack.add(playback, () => playback.close());
  // Deletions by a run reach files at once; objects, of which there are none while uploads are off, by the next server.
  const deleter = new SegmentDeleter({ annotations, receivedPath, overviewPath, objects: undefined, log, clock });
  stack.add(deleter, () => deleter.close());
  const eviction = new LocalEviction({ catalog, receivedPath, log, clock });
  const retention = new Retention({
    ...{ queue: catalog.retention, annotations, eviction, log, clock },
    onDeleted: () => deleter.notify(),
    policy: createRetentionPolicy(settings.server, settings.devices),
    isUploading: settings.s3.enabled,
    intervalMs: hourMs,
  });
  return {
    ...{ version: packageJson.version, reader, annotations, events, deliveries, playback, receivedPath, objects },
    feed: new EventFeed(events),
    onReplayed: () => {},
    onDeleted: () => deleter.notify(),
    presence: { isOnline: () => null },
    planRetention: () => retention.plan(),
    runRetention: async (run) => {
      const report = await retention.run(run);
      await deleter.settled();
      return report;
    },
    uploads: catalog.uploads,
    onRetried: () => {},
    storage: () => readFolderStorage(dataFolder, catalog, settings),
    figures: () => readFigures(dataFolder, catalog),
    clock,
    log,
  };
}

/** What is known without a server: how long the disk lasts. */
async function readFigures(dataFolder: string, { retention, deliveries }: Catalog): Promise<ServerFigures> {
  const none = { buckets: [], count: 0, sumMs: 0 };
  const space = await readDiskSpace(dataFolder);
  const headroom = new Headroom(systemClock, retention.recentBytes(systemClock.wallMs() - hourMs));
  return {
    ...{
      connectionCount: 0,
      onlineDeviceCount: 0,
      sessionCount: 0,
      finishingCount: 0,
      ingestWorkers: { count: 0, runningCount: 0, crashTotal: 0, uses: [] },
      finishCrashTotal: 0,
      playbackCrashTotal: 0,
      unfinishedCount: 0,
    },
    ...{ frameTotal: 0, byteTotal: 0, gapTotal: 0, duplicateTotal: 0, flushLatency: none, syncLatency: none },
    segments: { local: 0, evicted: 0 },
    live: { viewerCount: 0, watchedDeviceCount: 0, skippedMessageTotal: 0, skippedFrameTotal: 0 },
    uploads: undefined,
    deliveries: deliveries.counts(),
    disk: {
      state: diskState(space),
      ...space,
      headroomHours: headroom.hoursUntil(space.freeBytes - marksForDisk(space.totalBytes).hardBytes),
    },
    tls: undefined,
    isInsecureOpen: false,
    nowMs: systemClock.wallMs(),
  };
}

async function inject(app: FastifyInstance, path: string, { method = "GET", body }: LibraryRequest): Promise<Response> {
  const content = body === undefined ? {} : { payload: JSON.stringify(body), headers: jsonHeaders };
  const answer = await app.inject({ method, url: path, payloadAsStream: true, ...content });
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers.set(name, String(value));
  }
  const stream = Readable.toWeb(answer.stream()) as ReadableStream<Uint8Array>;
  return new Response(stream, { status: answer.statusCode, headers });
}

const jsonHeaders = { "content-type": "application/json" } as const;
