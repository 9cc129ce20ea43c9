import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database, Statement } from "better-sqlite3";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import { DeletedUploadStore } from "./deleted-upload-store.ts";
import type { EventStore } from "./event-store.ts";
import type { Flag, UploadTotalsTable } from "./schema.ts";
import { StoredEventStore } from "./stored-event-store.ts";
import type { UploadList } from "./upload-list.ts";
import { UploadListStore } from "./upload-list-store.ts";
import type { StoredUpload, UploadCounts, UploadFailure, UploadQueue, UploadTask } from "./upload-queue.ts";

type TaskRow = Omit<UploadTask, "isBackfill" | "fileName"> & { readonly isBackfill: Flag; readonly name: string };

interface DueLimits {
  readonly limit: number;
  readonly nowMs: number;
}

interface IdRange {
  readonly afterId: number;
  readonly untilId: number;
  readonly nowMs: number;
}

interface Statements {
  readonly dueTasks: Statement<[DueLimits], TaskRow>;
  readonly take: Statement<[id: number]>;
  readonly segmentId: Statement<[id: number], number>;
  readonly store: Statement<[StoredUpload]>;
  readonly fail: Statement<[UploadFailure & { id: number }]>;
  readonly release: Statement<[id: number]>;
  readonly releaseAll: Statement<[]>;
  readonly totals: Statement<[], UploadTotalsTable>;
  readonly oldestMs: Statement<[], number | null>;
  readonly nextDueMs: Statement<[], number | null>;
  readonly notStored: Statement<[segmentId: number], { files: number; isAnyLeft: Flag }>;
  readonly sliceEnd: Statement<[afterId: number, limit: number], number | null>;
  readonly enqueue: Readonly<Record<SegmentFileKind, Statement<[IdRange]>>>;
}

/** Segments that one slice of `enqueueMissing` looks at: a few milliseconds. */
const sliceSegmentCount = 1000;

// INDEXED BY throughout: a query that would walk the whole queue fails to prepare instead of growing slow with it.

// Failed uploads are due at a time of their own, so live and back-fill are looked up apart: each part reads `limit`
// rows of the index in its order, however long the queue is.
const dueTasksSql = `
  WITH due AS (
    SELECT * FROM (SELECT id, is_backfill, next_try_ms FROM uploads INDEXED BY uploads_to_claim WHERE state = 'pending'
      ORDER BY is_backfill, next_try_ms, id LIMIT @limit)
    UNION ALL
    SELECT * FROM (SELECT id, is_backfill, next_try_ms FROM uploads INDEXED BY uploads_to_claim
      WHERE state = 'failed' AND is_backfill = 0 AND next_try_ms <= @nowMs ORDER BY next_try_ms, id LIMIT @limit)
    UNION ALL
    SELECT * FROM (SELECT id, is_backfill, next_try_ms FROM uploads INDEXED BY uploads_to_claim
      WHERE state = 'failed' AND is_backfill = 1 AND next_try_ms <= @nowMs ORDER BY next_try_ms, id LIMIT @limit)
    ORDER BY is_backfill, next_try_ms, id LIMIT @limit
  )
  SELECT uploads.id, segment_id AS segmentId, kind, folder, name, bytes, sha256, attempts,
    uploads.is_backfill AS isBackfill, segments.hwid, segments.session, segments.idx AS "index",
    segments.stream_id AS streamId, codec, sample_rate_hz AS sampleRateHz, channels, samples AS sampleCount,
    segments.start_ms AS startMs
  FROM due JOIN uploads USING (id) JOIN segments ON segments.id = segment_id JOIN sessions USING (session)
  ORDER BY due.is_backfill, due.next_try_ms, due.id`;

const nextDueSql = `
  SELECT min(dueMs) FROM (
    SELECT min(next_try_ms) AS dueMs FROM uploads INDEXED BY uploads_to_claim WHERE state = 'pending' AND is_backfill = 0
    UNION ALL SELECT min(next_try_ms) FROM uploads INDEXED BY uploads_to_claim WHERE state = 'pending' AND is_backfill = 1
    UNION ALL SELECT min(next_try_ms) FROM uploads INDEXED BY uploads_to_claim WHERE state = 'failed' AND is_backfill = 0
    UNION ALL SELECT min(next_try_ms) FROM uploads INDEXED BY uploads_to_claim WHERE state = 'failed' AND is_backfill = 1)`;

function prepareEnqueue(sqlite: Database, kind: SegmentFileKind): Statement<[IdRange]> {
  // Of an evicted segment only the sidecar is still here to be uploaded.
  const isLocal = kind === "json" ? "" : "AND evicted_ms IS NULL";
  return sqlite.prepare(`
    INSERT INTO uploads (segment_id, kind, bytes, sha256, state, is_backfill, next_try_ms, queued_ms)
    SELECT id, '${kind}', ${kind}_bytes, ${kind}_sha256, 'pending', 1, @nowMs, @nowMs FROM segments
    WHERE id > @afterId AND id <= @untilId AND ${kind}_sha256 IS NOT NULL ${isLocal}
      AND NOT EXISTS (SELECT 1 FROM uploads WHERE segment_id = segments.id AND kind = '${kind}')
    ORDER BY id`);
}

// States stand in the text, not as parameters: only so does SQLite see that the indexes of what is not stored apply.
function prepare(sqlite: Database): Statements {
  return {
    dueTasks: sqlite.prepare(dueTasksSql),
    take: sqlite.prepare("UPDATE uploads SET state = 'uploading' WHERE id = ?"),
    segmentId: sqlite
      .prepare<[number], number>("SELECT segment_id FROM uploads WHERE id = ? AND state = 'uploading'")
      .pluck(),
    store: sqlite.prepare(`
      UPDATE uploads SET state = 'stored', key = @key, etag = @etag, stored_ms = @storedMs,
        error_code = NULL, reason = NULL
      WHERE id = @id AND state = 'uploading'`),
    fail: sqlite.prepare(`
      UPDATE uploads SET state = 'failed', attempts = attempts + 1, next_try_ms = @nextTryMs,
        error_code = @code, reason = @reason
      WHERE id = @id AND state = 'uploading'`),
    release: sqlite.prepare(`
      UPDATE uploads SET state = 'pending', next_try_ms = queued_ms WHERE id = ? AND state = 'uploading'`),
    releaseAll: sqlite.prepare(`
      UPDATE uploads SET state = 'pending', next_try_ms = queued_ms WHERE state = 'uploading'`),
    totals: sqlite.prepare("SELECT state, files, bytes FROM upload_totals"),
    oldestMs: sqlite
      .prepare<[], number | null>(`
        SELECT min(queued_ms) FROM uploads INDEXED BY uploads_by_age WHERE state = 'pending' OR state = 'uploading' OR state = 'failed'`)
      .pluck(),
    nextDueMs: sqlite.prepare<[], number | null>(nextDueSql).pluck(),
    notStored: sqlite.prepare(`
      SELECT count(*) AS files, max(state <> 'stored') AS isAnyLeft FROM uploads WHERE segment_id = ?`),
    sliceEnd: sqlite
      .prepare<[number, number], number | null>(
        "SELECT max(id) FROM (SELECT id FROM segments WHERE id > ? ORDER BY id LIMIT ?)",
      )
      .pluck(),
    enqueue: {
      bin: prepareEnqueue(sqlite, "bin"),
      wav: prepareEnqueue(sqlite, "wav"),
      json: prepareEnqueue(sqlite, "json"),
    },
  };
}

/** The queue of uploads in the catalogue's file. */
export class UploadStore implements UploadQueue {
  readonly list: UploadList;
  readonly #file: CatalogFile;
  readonly #statements: Statements;
  readonly #nowMs: () => number;
  readonly #take: (due: DueLimits) => TaskRow[];
  readonly #releaseAll: (ids: readonly number[]) => void;
  readonly #storeAll: (uploads: readonly StoredUpload[]) => void;
  readonly #events: Pick<EventStore, "tell"> | undefined;
  readonly #storedEvents: StoredEventStore | undefined;
  readonly #deleted: DeletedUploadStore;

  /**
   * @param nowMs - wall time, stamps what {@link UploadStore.enqueueMissing} queues
   * @param events - takes what happens; without it nothing is told
   */
  constructor(file: CatalogFile, nowMs: () => number, events?: Pick<EventStore, "add" | "tell">) {
    this.#file = file;
    this.#statements = prepare(file.sqlite);
    this.#nowMs = nowMs;
    this.#events = events;
    this.#storedEvents = events && new StoredEventStore(file.sqlite, events);
    this.#deleted = new DeletedUploadStore(file.sqlite);
    this.list = new UploadListStore(file, nowMs);
    const { dueTasks, take, release } = this.#statements;
    this.#take = file.sqlite.transaction((due: DueLimits) => {
      const rows = dueTasks.all(due);
      for (const { id } of rows) take.run(id);
      return rows;
    }).immediate;
    this.#releaseAll = file.sqlite.transaction((ids: readonly number[]) => {
      for (const id of ids) {
        release.run(id);
        this.#deleted.report(id);
      }
    }).immediate;
    this.#storeAll = file.sqlite.transaction((uploads: readonly StoredUpload[]) => {
      for (const upload of uploads) this.#noteStored(upload);
    }).immediate;
  }

  claim(limit: number, nowMs: number): readonly UploadTask[] {
    return this.#run(() => {
      const rows = this.#take({ limit, nowMs });
      return rows.map(({ name, isBackfill, ...task }) => ({
        ...task,
        fileName: `${name}.${task.kind}`,
        isBackfill: isBackfill === 1,
      }));
    });
  }

  markStored(uploads: readonly StoredUpload[]): void {
    this.#run(() => this.#storeAll(uploads));
    this.#events?.tell();
  }

  markFailed(id: number, { code, reason, nextTryMs }: UploadFailure): void {
    const fail = this.#file.sqlite.transaction(() => {
      if (this.#statements.fail.run({ id, code, reason, nextTryMs }).changes === 0) this.#deleted.report(id);
    });
    this.#run(() => fail.immediate());
  }

  release(ids: readonly number[]): void {
    this.#run(() => this.#releaseAll(ids));
  }

  resetInterrupted(): void {
    this.#run(() => {
      this.#statements.releaseAll.run();
      this.#deleted.reportAll();
    });
  }

  counts(): UploadCounts {
    return this.#run(() => {
      const files = { pending: 0, uploading: 0, stored: 0, failed: 0 };
      let pendingBytes = 0;
      for (const total of this.#statements.totals.all()) {
        files[total.state] = total.files;
        if (total.state !== "stored") pendingBytes += total.bytes;
      }
      return { ...files, oldestPendingMs: this.#statements.oldestMs.get() ?? undefined, pendingBytes };
    });
  }

  nextDueMs(): number | undefined {
    return this.#run(() => this.#statements.nextDueMs.get() ?? undefined);
  }

  async enqueueMissing(kinds: readonly SegmentFileKind[]): Promise<number> {
    const { sliceEnd, enqueue } = this.#statements;
    let count = 0;
    for (let afterId = 0; ; ) {
      await nextTurn();
      // Closed meanwhile: the next start queues the rest.
      if (!this.#file.sqlite.open) return count;
      // Slices are of rows, not of ids: ids begin anew at the clock where a catalogue was lost.
      const untilId = this.#run(() => sliceEnd.get(afterId, sliceSegmentCount));
      if (untilId == null) return count;
      const slice = { afterId, untilId, nowMs: this.#nowMs() };
      count += this.#run(() => kinds.reduce((sum, kind) => sum + enqueue[kind].run(slice).changes, 0));
      afterId = untilId;
    }
  }

  areAllStored(segmentId: number): boolean {
    return this.#run(() => {
      const found = this.#statements.notStored.get(segmentId);
      return found !== undefined && found.files > 0 && found.isAnyLeft === 0;
    });
  }

  #noteStored({ id, key, etag, storedMs }: StoredUpload): void {
    const segmentId = this.#statements.segmentId.get(id);
    if (segmentId === undefined) {
      this.#deleted.report(id, key);
      return;
    }
    const wasStored = this.#storedEvents?.isStored(segmentId) ?? false;
    this.#statements.store.run({ id, key, etag, storedMs });
    this.#storedEvents?.noteChange(segmentId, wasStored);
  }

  #run<T>(work: () => T): T {
    return withCatalogErrors(this.#file.path, work);
  }
}
