import type { Clock } from "../kernel/clock.ts";
import { StorageError, toError } from "../kernel/errors.ts";
import type { FinishedSegment, SegmentFileKind } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type {
  AddSegmentOptions,
  Catalog,
  CatalogCounts,
  CatalogSegment,
  EvictableSegment,
  KnownDevice,
  NibbleVerdict,
  SegmentFilter,
} from "./catalog.ts";
import { toCatalogError } from "./catalog-error.ts";
import { type CatalogFile, closeCatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { countRows } from "./count-rows.ts";
import { EvictionStore } from "./eviction-store.ts";
import { SegmentStore } from "./segment-store.ts";
import type { UploadQueue } from "./upload-queue.ts";
import { UploadStore } from "./upload-store.ts";
import { type Write, WriteBatch } from "./write-batch.ts";

/** Longest time from `addSegment` to its commit. */
const batchWindowMs = 50;

/** Writes that wait for a commit at most: it takes some 30 ms, during which the process does nothing else. */
const batchLimit = 200;

/** What {@link openCatalog} needs. */
export interface CatalogOptions {
  /** The database file, made when it is missing. */
  readonly path: string;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * Opens the catalogue in a SQLite file. One process at a time: the data folder's lock sees to it.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: the file is damaged, another program's, or of a later version
 */
export async function openCatalog({ path, log, clock }: CatalogOptions): Promise<Catalog> {
  const file = await openCatalogFile(path);
  const catalog = new SqliteCatalog(file, log, clock);
  log.info({ path, uploads: catalog.uploads.counts() }, "catalogue opened");
  return catalog;
}

class SqliteCatalog implements Catalog {
  readonly uploads: UploadQueue;
  readonly #file: CatalogFile;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #segments: SegmentStore;
  readonly #evictions: EvictionStore;
  readonly #batch: WriteBatch;
  #closing: Promise<void> | undefined;

  constructor(file: CatalogFile, log: Log, clock: Clock) {
    this.#file = file;
    this.#log = log;
    this.#clock = clock;
    this.#segments = new SegmentStore(file.sqlite);
    this.#evictions = new EvictionStore(file.sqlite);
    this.#batch = new WriteBatch((writes) => this.#commit(writes), { windowMs: batchWindowMs, limit: batchLimit });
    this.uploads = new UploadStore(file, () => clock.wallMs());
  }

  addSegment(
    segment: FinishedSegment,
    uploads: readonly SegmentFileKind[],
    { isBackfill }: AddSegmentOptions,
  ): Promise<void> {
    const order = { kinds: uploads, isBackfill, queuedMs: this.#clock.wallMs() };
    return this.#write(() => this.#segments.addSegment(segment, order));
  }

  endSession(session: string, endedMs: number): Promise<void> {
    return this.#write(() => this.#segments.endSession(session, endedMs));
  }

  deviceProfiles(): Promise<readonly KnownDevice[]> {
    return this.#read(() =>
      this.#file.kysely
        .selectFrom("devices")
        .select(["hwid", "nibble_order as nibbleOrder", "nibble_source as nibbleSource"])
        .where("nibble_order", "is not", null)
        .where("nibble_source", "is not", null)
        .$narrowType<KnownDevice>()
        .execute(),
    );
  }

  nibbleOrderOfSession(session: string, beforeIndex: number): Promise<NibbleVerdict | undefined> {
    return this.#read(() =>
      this.#file.kysely
        .selectFrom("segments")
        .select(["nibble_order as order", "nibble_source as source"])
        .where("session", "=", session)
        .where("idx", "<", beforeIndex)
        .where("nibble_source", "in", ["exact", "statistical"])
        .orderBy("idx", "desc")
        .limit(1)
        .$narrowType<NibbleVerdict>()
        .executeTakeFirst(),
    );
  }

  segments({ hwid, session, limit, after }: SegmentFilter): Promise<readonly CatalogSegment[]> {
    return this.#read(() => {
      let query = this.#file.kysely
        .selectFrom("segments")
        .select(["id", "session", "idx as index", "hwid", "stream_id as streamId", "name", "folder"])
        .select(["start_ms as startMs", "end_ms as endMs", "samples as sampleCount"])
        .select(["gap_samples as gapSampleCount", "peak_dbfs as peakDbfs", "evicted_ms as evictedMs"])
        .orderBy("start_ms")
        .orderBy("id")
        .limit(limit);
      if (hwid !== undefined) query = query.where("hwid", "=", hwid);
      if (session !== undefined) query = query.where("session", "=", session);
      if (after !== undefined) {
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("start_ms", "id"), ">", tuple(after.startMs, after.id)),
        );
      }
      return query.execute();
    });
  }

  evictableSegments(limit: number): Promise<readonly EvictableSegment[]> {
    return this.#read(async () => this.#evictions.evictable(limit));
  }

  markEvicted(ids: readonly number[], evictedMs: number): Promise<void> {
    return this.#write(() => this.#evictions.mark(ids, evictedMs));
  }

  counts(): Promise<CatalogCounts> {
    return this.#read(() => countRows(this.#file.kysely));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#batch.flush();
    closeCatalogFile(this.#file);
  }

  async #write(write: Write): Promise<void> {
    this.#assertOpen();
    await this.#batch.add(write);
  }

  async #read<T>(query: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await query();
    } catch (thrown) {
      throw toCatalogError(thrown, this.#file.path);
    }
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new StorageError("SHUTTING_DOWN", `the catalogue ${this.#file.path} is closed; open it again to go on`);
  }

  #commit(writes: readonly Write[]): (Error | undefined)[] {
    const { path, sqlite } = this.#file;
    // Inside a transaction this one is a savepoint: a write that fails undoes itself and spares its neighbours.
    const runAlone = sqlite.transaction((write: Write) => write());
    const runAll = sqlite.transaction(() =>
      writes.map((write) => {
        try {
          runAlone(write);
          return undefined;
        } catch (thrown) {
          // A full or failing disk makes SQLite roll back everything: there is nothing left to go on with.
          if (!sqlite.inTransaction) throw thrown;
          return toCatalogError(thrown, path);
        }
      }),
    );
    try {
      // This commit is synced, unlike those of the queue: when it is done the segment's `.open.json` goes, and after a
      // power cut nothing else would lead back to a row that was lost. [S-2.3]
      sqlite.pragma("synchronous = FULL");
      return runAll.immediate();
    } catch (thrown) {
      const error = toCatalogError(thrown, path);
      this.#log.error({ err: toError(thrown), path, writes: writes.length }, "catalogue refuses a commit");
      throw error;
    } finally {
      sqlite.pragma("synchronous = NORMAL");
    }
  }
}
