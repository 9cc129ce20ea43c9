import type { Database, Statement } from "better-sqlite3";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { DeletionOrder, PendingDeletion } from "./annotations.ts";
import type { SegmentRow } from "./catalog-reader.ts";
import type { EventStore } from "./event-store.ts";
import { segmentDeleted } from "./segment-events.ts";
import { type SegmentRowColumns, segmentRowSql, toSegmentRow } from "./segment-row.ts";
import { type SegmentSummary, SummaryStore } from "./summary-store.ts";
import type { UploadState } from "./upload-queue.ts";

interface UploadRow {
  readonly id: number;
  readonly kind: SegmentFileKind;
  readonly state: UploadState;
  readonly attempts: number;
  readonly key: string | null;
}

interface DeletionRow {
  readonly id: number;
  readonly name: string;
  readonly folder: string;
  readonly hwid: string | null;
  readonly keys: string;
  readonly unverifiedKinds: string;
}

interface Statements {
  readonly segment: Statement<[id: number], SegmentRowColumns>;
  readonly uploads: Statement<[segmentId: number], UploadRow>;
  readonly note: Statement<[Omit<DeletionRow, "id"> & { uploadsInFlight: number }]>;
  readonly noteUpload: Statement<[uploadId: number, deletionId: number | bigint]>;
  readonly keepPosition: Statement<[{ session: string; seq: number; sample: number; index: number }]>;
  readonly drop: Statement<[id: number]>;
  readonly pending: Statement<[limit: number], DeletionRow>;
  readonly forget: Statement<[id: number]>;
}

function prepare(sqlite: Database): Statements {
  return {
    segment: sqlite.prepare(`
      SELECT ${segmentRowSql} FROM segments JOIN sessions USING (session) WHERE segments.id = ?`),
    uploads: sqlite.prepare("SELECT id, kind, state, attempts, key FROM uploads WHERE segment_id = ? ORDER BY id"),
    note: sqlite.prepare(`
      INSERT INTO deletions (name, folder, hwid, keys, unverified_kinds, uploads_in_flight)
      VALUES (@name, @folder, @hwid, @keys, @unverifiedKinds, @uploadsInFlight)`),
    noteUpload: sqlite.prepare("INSERT INTO deleted_uploads (upload_id, deletion_id) VALUES (?, ?)"),
    keepPosition: sqlite.prepare(`
      UPDATE sessions SET deleted_next_seq = max(coalesce(deleted_next_seq, @seq), @seq),
        deleted_next_sample = max(coalesce(deleted_next_sample, @sample), @sample),
        deleted_next_index = max(coalesce(deleted_next_index, @index), @index)
      WHERE session = @session AND acked = 1`),
    drop: sqlite.prepare("DELETE FROM segments WHERE id = ?"),
    pending: sqlite.prepare(`
      SELECT id, name, folder, hwid, keys, unverified_kinds AS unverifiedKinds
      FROM deletions INDEXED BY deletions_due WHERE uploads_in_flight = 0 ORDER BY id LIMIT ?`),
    forget: sqlite.prepare("DELETE FROM deletions WHERE id = ?"),
  };
}

/** Takes segments out of the catalogue and keeps what of them is still to be removed elsewhere. */
export class DeletionStore {
  readonly #statements: Statements;
  readonly #summaries: SummaryStore;
  readonly #events: Pick<EventStore, "add">;

  constructor(sqlite: Database, events: Pick<EventStore, "add">) {
    this.#summaries = new SummaryStore(sqlite);
    this.#statements = prepare(sqlite);
    this.#events = events;
  }

  /** See `Annotations.deleteSegments`; belongs inside a transaction of the caller's. */
  deleteSegments({ segmentIds, reason }: DeletionOrder): SegmentRow[] {
    const deleted: SegmentRow[] = [];
    const summaries: SegmentSummary[] = [];
    for (const id of segmentIds) {
      const columns = this.#statements.segment.get(id);
      if (columns === undefined || columns.isPinned === 1) continue;
      summaries.push(...[this.#summaries.read(id) ?? []].flat());
      this.#delete(columns, reason);
      deleted.push(toSegmentRow(columns));
    }
    this.#summaries.noteDeleted(summaries);
    return deleted;
  }

  /** See `Annotations.pendingDeletions`. */
  pending(limit: number): readonly PendingDeletion[] {
    return this.#statements.pending.all(limit).map(({ keys, unverifiedKinds, ...row }) => ({
      ...row,
      keys: JSON.parse(keys),
      unverifiedKinds: JSON.parse(unverifiedKinds),
    }));
  }

  /** See `Annotations.markDeleted`; belongs inside a transaction of the caller's. */
  forget(ids: readonly number[]): void {
    for (const id of ids) this.#statements.forget.run(id);
  }

  #delete(segment: SegmentRowColumns, reason: string): void {
    const { id, name, folder, hwid, session, index, streamId, startMs, endMs, startSample, sampleCount, lastSeq } =
      segment;
    this.#noteLeftovers(segment);
    // The device may go on with the session: neither its frames nor the segment's name may be given twice. [P-2.7]
    this.#statements.keepPosition.run({
      session,
      seq: lastSeq + 1,
      sample: startSample + sampleCount,
      index: index + 1,
    });
    this.#statements.drop.run(id);
    this.#events.add(
      segmentDeleted(
        {
          ...{ id, hwid, name, folder, session, idx: index },
          ...{ stream_id: streamId, start_ms: startMs, end_ms: endMs },
        },
        reason,
      ),
    );
  }

  #noteLeftovers({ id, name, folder, hwid }: SegmentRowColumns): void {
    const uploads = this.#statements.uploads.all(id);
    const inFlight = uploads.filter(({ state }) => state === "uploading");
    // An upload that broke off may have come to stand in the store without anyone's knowing.
    const unverified = uploads.filter(
      ({ state, attempts }) => state !== "stored" && (state !== "pending" || attempts > 0),
    );
    const { lastInsertRowid } = this.#statements.note.run({
      ...{ name, folder, hwid },
      keys: JSON.stringify(uploads.flatMap(({ key }) => key ?? [])),
      unverifiedKinds: JSON.stringify(unverified.map(({ kind }) => kind)),
      uploadsInFlight: inFlight.length,
    });
    for (const upload of inFlight) this.#statements.noteUpload.run(upload.id, lastInsertRowid);
  }
}
