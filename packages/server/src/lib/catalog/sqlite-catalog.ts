import type { Clock } from "../kernel/clock.ts";
import { StorageError, toError } from "../kernel/errors.ts";
import type { FinishedSegment, SegmentFileKind } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ResumePoint } from "../kernel/segment-record.ts";
import { AnnotationStore } from "./annotation-store.ts";
import type { Annotations } from "./annotations.ts";
import type {
  AddSegmentOptions,
  Catalog,
  CatalogCounts,
  CatalogSegment,
  KnownDevice,
  NibbleVerdict,
  OpenSession,
  SegmentFilter,
  SegmentSession,
} from "./catalog.ts";
import { toCatalogError } from "./catalog-error.ts";
import {
  type CatalogFile,
  checkpointCatalogFile,
  closeCatalogFile,
  logPathOf,
  openCatalogFile,
  openCatalogFileToRead,
} from "./catalog-file-store.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import { countRows } from "./count-rows.ts";
import type { DeliveryQueue } from "./delivery-queue.ts";
import { DeliveryStore } from "./delivery-store.ts";
import type { EventLog } from "./event-log.ts";
import { EventStore } from "./event-store.ts";
import { EvictionStore } from "./eviction-store.ts";
import { NibbleOrderStore } from "./nibble-order-store.ts";
import { ResumeStore } from "./resume-store.ts";
import type { EvictableFilter, EvictableSegment, OverviewPlace, RetentionQueue } from "./retention-queue.ts";
import { RetentionStore } from "./retention-store.ts";
import { SegmentStore } from "./segment-store.ts";
import { SqliteCatalogReader } from "./sqlite-catalog-reader.ts";
import { noteUnknownRecordings } from "./unknown-recordings-store.ts";
import type { UploadQueue } from "./upload-queue.ts";
import { UploadStore } from "./upload-store.ts";
import { WalSync } from "./wal-sync-store.ts";
import { type Write, WriteBatch } from "./write-batch.ts";

/** Longest time from `addSegment` to its commit. */
const batchWindowMs = 50;

/** Writes that wait for a commit at most: it takes some 8 ms, during which the process does nothing else. */
const batchLimit = 25;

/** What {@link openCatalog} needs. */
export interface CatalogOptions {
  /** The database file, made when it is missing. */
  readonly path: string;
  readonly log: Log;
  readonly clock: Clock;
  /**
   * Whether there are finished segments, asked of a catalogue that never had one: they would be recordings that it does
   * not know. Default: there are none.
   */
  readonly hasRecordings?: () => Promise<boolean>;
}

/**
 * Opens the catalogue in a SQLite file. One process at a time: the data folder's lock sees to it.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: the file is damaged, another program's, or of a later version
 */
export async function openCatalog({ path, log, clock, hasRecordings }: CatalogOptions): Promise<Catalog> {
  const file = await openCatalogFile(path);
  if (hasRecordings !== undefined && (await hasUnknownRecordings(file, hasRecordings, clock)))
    log.warn({ path }, unknownRecordingsMessage);
  const catalog = new SqliteCatalog(file, log, clock);
  log.info({ path, uploads: catalog.uploads.counts() }, "catalogue opened");
  return catalog;
}

const unknownRecordingsMessage =
  "the catalogue is new and does not know the recordings that stand in the data folder already: they are safe, but " +
  "neither listed, played, uploaded nor evicted; stop the server and run `eet reindex`";

async function hasUnknownRecordings(
  file: CatalogFile,
  hasRecordings: () => Promise<boolean>,
  clock: Clock,
): Promise<boolean> {
  try {
    return await noteUnknownRecordings(file, hasRecordings, clock.wallMs());
  } catch (thrown) {
    file.sqlite.close();
    throw thrown;
  }
}

/**
 * Opens the catalogue for reading alone, beside a server that writes to it. Writes reject.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: the file is missing, damaged, another program's, or not of this version
 */
export async function openCatalogToRead({ path, log, clock }: CatalogOptions): Promise<Catalog> {
  return new SqliteCatalog(await openCatalogFileToRead(path), log, clock);
}

class SqliteCatalog implements Catalog {
  readonly uploads: UploadQueue;
  readonly retention: RetentionQueue;
  readonly reader: CatalogReader;
  readonly deliveries: DeliveryQueue;
  readonly annotations: Annotations;
  readonly #events: EventStore;
  readonly #file: CatalogFile;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #segments: SegmentStore;
  readonly #evictions: EvictionStore;
  readonly #resumes: ResumeStore;
  readonly #nibbleOrders: NibbleOrderStore;
  readonly #walSync: WalSync;
  /** Writes whose commit a power cut does not take back. */
  readonly #batch: WriteBatch;
  /** Writes that a power cut may take back. */
  readonly #notes: WriteBatch;
  /** True from a commit that fails until one goes well. */
  #isCommitFailing = false;
  /** True from a sync that fails until one goes well. */
  #isSecureFailing = false;
  #closing: Promise<void> | undefined;

  constructor(file: CatalogFile, log: Log, clock: Clock) {
    this.#file = file;
    this.#log = log;
    this.#clock = clock;
    const nowMs = () => clock.wallMs();
    this.#walSync = new WalSync({ path: logPathOf(file), checkpoint: () => checkpointCatalogFile(file) });
    const limits = { windowMs: batchWindowMs, limit: batchLimit };
    this.#batch = new WriteBatch((writes) => this.#commitAndHold(writes), { ...limits, secure: () => this.#secure() });
    this.#notes = new WriteBatch((writes) => this.#commitAndTell(writes), limits);
    const write = (note: Write) => this.#write(note, this.#notes);
    this.#events = new EventStore({ file, nowMs, log, write });
    this.#segments = new SegmentStore(file.sqlite, this.#events);
    this.#evictions = new EvictionStore(file.sqlite, nowMs);
    this.#resumes = new ResumeStore(file.sqlite);
    this.#nibbleOrders = new NibbleOrderStore(file.sqlite);
    this.uploads = new UploadStore(file, nowMs, this.#events);
    this.deliveries = new DeliveryStore(file, nowMs);
    this.retention = new RetentionStore(file, nowMs);
    this.reader = new SqliteCatalogReader(file, (query) => this.#read(query));
    this.annotations = new AnnotationStore({
      ...{ file, events: this.#events, nowMs, write },
      writeSynced: (order) => this.#write(order),
      secure: () => this.#secure(),
      read: (query) => this.#read(query),
    });
  }

  get events(): EventLog {
    return this.#events;
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

  openSessions(after: string, limit: number): Promise<readonly OpenSession[]> {
    return this.#read(async () => this.#resumes.openSessions(after, limit));
  }

  resumeSession(session: string): Promise<void> {
    return this.#write(() => this.#segments.resumeSession(session));
  }

  resumePoint(session: string): Promise<ResumePoint | undefined> {
    return this.#read(async () => this.#resumes.resumePoint(session));
  }

  uploadedNext(session: string): Promise<number | undefined> {
    return this.#read(async () => this.#resumes.uploadedNext(session));
  }

  sessionOfSegment(segmentId: number): Promise<SegmentSession | undefined> {
    return this.#read(async () => this.#resumes.sessionOfSegment(segmentId));
  }

  deviceProfiles(): Promise<readonly KnownDevice[]> {
    return this.#read(async () => this.#nibbleOrders.ofDevices());
  }

  nibbleOrderOfSession(session: string, beforeIndex: number): Promise<NibbleVerdict | undefined> {
    return this.#read(async () => this.#nibbleOrders.ofSession(session, beforeIndex));
  }

  segments({ hwid, session, limit, after }: SegmentFilter): Promise<readonly CatalogSegment[]> {
    const conditions = [
      ...(hwid === undefined ? [] : ["hwid = @hwid"]),
      ...(session === undefined ? [] : ["session = @session"]),
      ...(after === undefined ? [] : ["(start_ms, id) > (@afterMs, @afterId)"]),
    ];
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    return this.#read(async () =>
      this.#file.sqlite
        .prepare<[unknown], CatalogSegment>(`
          SELECT id, session, idx AS "index", hwid, stream_id AS streamId, name, folder, start_ms AS startMs,
            end_ms AS endMs, samples AS sampleCount, gap_samples AS gapSampleCount, peak_dbfs AS peakDbfs,
            evicted_ms AS evictedMs
          FROM segments ${where} ORDER BY start_ms, id LIMIT @limit`)
        .all({ limit, hwid, session, afterMs: after?.startMs, afterId: after?.id }),
    );
  }

  evictableSegments(filter: EvictableFilter): Promise<readonly EvictableSegment[]> {
    return this.#read(async () => this.#evictions.evictable(filter));
  }

  markEvicted(ids: readonly number[], evictedMs: number): Promise<void> {
    return this.#write(() => this.#evictions.mark(ids, evictedMs));
  }

  evictedOverviews(limit: number): Promise<readonly OverviewPlace[]> {
    return this.#read(async () => this.#evictions.overviews(limit));
  }

  markOverviews(ids: readonly number[], isThere: boolean): Promise<void> {
    return this.#write(() => this.#evictions.markOverviews(ids, isThere), this.#notes);
  }

  counts(): Promise<CatalogCounts> {
    return this.#read(async () => countRows(this.#file.sqlite));
  }

  probe(): Promise<void> {
    return this.#read(async () => {
      const { sqlite } = this.#file;
      sqlite.prepare("SELECT max(id) FROM segments").get();
      if (this.#isSecureFailing) await this.#secure();
      if (!this.#isCommitFailing) return;
      // Nothing else may come to be written: a write that changes nothing tells whether the disk takes some again.
      sqlite.pragma(`user_version = ${sqlite.pragma("user_version", { simple: true })}`);
      this.#isCommitFailing = false;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#batch.flush();
    this.#notes.flush();
    await this.#walSync.close();
    closeCatalogFile(this.#file);
  }

  async #write(write: Write, batch = this.#batch): Promise<void> {
    this.#assertOpen();
    await batch.add(write);
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

  /**
   * Segments are catalogued for good, unlike the states of the queues: when it is done the segment's `.open.json` goes, and
   * after a power cut nothing else would lead back to a row that was lost. [S-2.3]
   */
  async #secure(): Promise<void> {
    const { heldId } = this.#events;
    try {
      await this.#walSync.sync();
      this.#isSecureFailing = false;
      this.#events.release(heldId);
    } catch (thrown) {
      const isTold = this.#isSecureFailing;
      this.#isSecureFailing = true;
      // Probes ask again and again.
      throw isTold ? toCatalogError(thrown, this.#file.path) : this.#refused(thrown);
    }
  }

  #commitAndHold(writes: readonly Write[]): (Error | undefined)[] {
    const { lastId } = this.#events;
    const errors = this.#commit(writes);
    if (this.#events.lastId > lastId) this.#events.hold(lastId);
    return errors;
  }

  #refused(thrown: unknown): Error {
    const { path } = this.#file;
    this.#isCommitFailing = true;
    this.#log.error({ err: toError(thrown), path }, "catalogue refuses a commit");
    return toCatalogError(thrown, path);
  }

  #commitAndTell(writes: readonly Write[]): (Error | undefined)[] {
    const errors = this.#commit(writes);
    this.#events.tell();
    return errors;
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
      const errors = runAll.immediate();
      this.#isCommitFailing = false;
      return errors;
    } catch (thrown) {
      throw this.#refused(thrown);
    }
  }
}
