import { join } from "node:path";
import type { RetentionFacts } from "./api/storage-facts.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { OverviewPlace } from "./catalog/retention-queue.ts";
import type { Settings } from "./config/settings.ts";
import { overviewFilePath } from "./finishing/overview-store.ts";
import type { Clock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import { overviewPathOf } from "./playing.ts";
import { Headroom } from "./retention/headroom.ts";
import type { LocalEviction } from "./retention/local-eviction.ts";
import { OverviewEviction } from "./retention/overview-eviction.ts";
import { Retention } from "./retention/retention.ts";
import { createRetentionPolicy } from "./retention/retention-policy.ts";
import { SegmentDeleter } from "./retention/segment-deleter.ts";
import { type DiskSpace, marksForDisk } from "./storage/disk-space-store.ts";
import { fileBytes } from "./storage/durable-file-store.ts";
import { readQuotas } from "./storage-facts.ts";
import type { Uploading } from "./uploading.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export interface RetainingOptions {
  readonly settings: Settings;
  readonly catalog: Pick<Catalog, "annotations" | "retention" | "evictedOverviews" | "markOverviews">;
  readonly eviction: LocalEviction;
  readonly uploading: Uploading | undefined;
  readonly dataPath: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** What stays on the local disk of a running server, and for how long it lasts. */
export class Retaining {
  readonly retention: Retention;
  readonly #options: RetainingOptions;
  readonly #deleter: SegmentDeleter;
  readonly #overviews: OverviewEviction;
  #headroom: Headroom;
  /** Of overviews that came and went in this run. */
  #overviewBytes = 0;
  #sampling: NodeJS.Timeout | undefined;
  #settings: Settings;

  /** @throws StorageError when the catalogue fails */
  constructor(options: RetainingOptions) {
    const { settings, catalog, eviction, uploading, dataPath, log, clock } = options;
    this.#options = options;
    this.#settings = settings;
    const onOverviewsFreed = (bytes: number) => {
      this.#overviewBytes -= bytes;
    };
    const overviewPath = overviewPathOf(dataPath);
    this.#overviews = new OverviewEviction({ catalog, overviewPath, onFreed: onOverviewsFreed, log });
    this.#deleter = new SegmentDeleter({
      annotations: catalog.annotations,
      receivedPath: join(dataPath, "received"),
      overviewPath,
      onOverviewsFreed,
      objects: uploading?.objects,
      log,
      clock,
    });
    this.retention = new Retention({
      queue: catalog.retention,
      annotations: catalog.annotations,
      eviction,
      onDeleted: () => this.noteDeleted(),
      isUploading: uploading !== undefined,
      ...rulesOf(settings),
      log,
      clock,
    });
    this.#headroom = this.#createHeadroom();
  }

  /** To be called once recovery is through: it may derive again what is about to go. */
  start(): void {
    // What recovery found was not recorded just now.
    this.#headroom = this.#createHeadroom();
    this.#sampling = setInterval(() => this.#sample(), minuteMs).unref();
    this.#deleter.notify();
    this.retention.start();
  }

  /** Takes over the quotas of other settings. */
  change(settings: Settings): void {
    this.#settings = settings;
    this.retention.change(rulesOf(settings));
  }

  /** Segments were taken out of the catalogue: their files and objects are to go. */
  noteDeleted(): void {
    this.#deleter.notify();
  }

  /** A segment stands on the disk. */
  takeSegment({ overviewBytes = 0 }: Pick<FinishedSegment, "overviewBytes">): void {
    this.#overviewBytes += overviewBytes;
  }

  /** An overview was stored of a segment that had none. */
  takeOverview({ id, folder, name }: OverviewPlace): void {
    const { catalog, log } = this.#options;
    void this.#countOverview({ folder, name });
    catalog
      .markOverviews([id], true)
      .catch((error: Error) => log.warn({ segment: name, error: error.message }, "an overview is not noted"));
  }

  /**
   * The disk is low: evicts some of what is stored elsewhere, and overviews of what was evicted, to be asked again. [S-2.5]
   * Without uploads nothing: a server that does not speak to the store does not rely on it.
   */
  makeRoom(): void {
    if (this.#options.uploading === undefined) return;
    void this.#options.eviction.makeRoom();
    void this.#overviews.makeRoom();
  }

  /**
   * Time until the disk is at its hard mark, at the rate of the last hour; `undefined` while that is not known, `Infinity`
   * while as much goes as comes.
   */
  headroomHours({ freeBytes, totalBytes }: DiskSpace): number | undefined {
    return this.#headroom.hoursUntil(freeBytes - marksForDisk(totalBytes).hardBytes);
  }

  /** The quotas that are in force. */
  get quotas(): RetentionFacts {
    return readQuotas(this.#settings);
  }

  /** By how much what is held grows, by the last hour; `undefined` while that is not known. */
  get bytesPerHour(): number | undefined {
    return this.#headroom.bytesPerHour;
  }

  /** How much of that hour is known, s. */
  get rateKnownS(): number {
    return this.#headroom.knownS;
  }

  /** Brings what is at work to an end. Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#sampling);
    await Promise.all([this.retention.close(), this.#deleter.close(), this.#overviews.close()]);
  }

  #createHeadroom(): Headroom {
    const { catalog, clock } = this.#options;
    const { s3, ...settings } = this.#settings;
    // What was recorded says how fast the disk fills only where nothing is removed; else the rate is known in a minute.
    const isFilling = rulesOf(settings).policy.isOff && !(s3.enabled && s3.deleteAfterUpload);
    const sinceMs = clock.wallMs() - hourMs;
    const recent = isFilling ? catalog.retention.recentBytes(sinceMs) : { bytes: 0, sinceMs };
    return new Headroom(clock, recent, () => catalog.retention.totals().localBytes + this.#overviewBytes);
  }

  #sample(): void {
    try {
      this.#headroom.sample();
    } catch (thrown) {
      this.#options.log.warn({ error: toError(thrown).message }, "it is not known how fast the disk fills");
    }
  }

  /** Never rejects. */
  async #countOverview(segment: Pick<OverviewPlace, "folder" | "name">): Promise<void> {
    const path = overviewFilePath(overviewPathOf(this.#options.dataPath), segment);
    this.#overviewBytes += await fileBytes(path).catch(() => 0);
  }
}

function rulesOf({ server, devices }: Pick<Settings, "server" | "devices">) {
  return { policy: createRetentionPolicy(server, devices), intervalMs: server.retentionIntervalMin * minuteMs };
}
