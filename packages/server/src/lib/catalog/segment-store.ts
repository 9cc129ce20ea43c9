import type { Database, Statement } from "better-sqlite3";
import type { Insertable, Selectable } from "kysely";
import { type FinishedSegment, type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import type { NewEvent } from "../kernel/server-event.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { EventStore } from "./event-store.ts";
import type { AnchorsTable, DevicesTable, Flag, GapsTable, SegmentsTable, SessionsTable } from "./schema.ts";
import { segmentEvents, sessionEnded, sessionResumed, sessionStarted } from "./segment-events.ts";
import { anchorRows, deviceRow, gapRows, segmentRow, sessionRow, summaryOf } from "./segment-rows.ts";
import { StoredEventStore } from "./stored-event-store.ts";
import { SummaryStore } from "./summary-store.ts";

/** How a segment's uploads are queued. */
export interface UploadOrder {
  readonly kinds: readonly SegmentFileKind[];
  readonly isBackfill: boolean;
  /** Wall clock, ms since 1970. */
  readonly queuedMs: number;
}

interface UploadRow {
  readonly segment_id: number;
  readonly kind: SegmentFileKind;
  readonly bytes: number;
  readonly sha256: string;
  readonly is_backfill: Flag;
  readonly queued_ms: number;
}

type SessionState = Pick<Selectable<SessionsTable>, "session" | "hwid" | "stream_id" | "start_ms" | "ended_ms">;

type NewSegmentRow = Insertable<SegmentsTable> & Pick<Selectable<SegmentsTable>, "id" | "upload_state">;

interface Statements {
  readonly seeDevice: Statement<[Insertable<DevicesTable>]>;
  readonly addDevice: Statement<[Insertable<DevicesTable>]>;
  readonly seeSession: Statement<[Pick<Insertable<SessionsTable>, "session" | "start_warning" | "last_active_ms">]>;
  readonly addSession: Statement<[Insertable<SessionsTable>]>;
  readonly nextId: Statement<[], number>;
  readonly addSegment: Statement<[NewSegmentRow]>;
  readonly updateSegment: Statement<[Insertable<SegmentsTable>]>;
  readonly dropGaps: Statement<[segmentId: number]>;
  readonly addGap: Statement<[Insertable<GapsTable>]>;
  readonly dropAnchors: Statement<[segmentId: number]>;
  readonly addAnchor: Statement<[Insertable<AnchorsTable>]>;
  readonly segmentId: Statement<[session: string, index: number], number>;
  readonly isDeleted: Statement<[name: string]>;
  readonly session: Statement<[session: string], SessionState>;
  readonly dropReplacedUpload: Statement<[{ segment_id: number; kind: SegmentFileKind; sha256: string | null }]>;
  readonly addUpload: Statement<[UploadRow]>;
  readonly endSession: Statement<[{ session: string; endedMs: number }]>;
  readonly resumeSession: Statement<[session: string]>;
}

const segmentColumns = [
  ...["session", "idx", "hwid", "stream_id", "name", "folder", "start_ms", "end_ms", "start_sample", "samples"],
  ...["wav_samples", "frames", "duplicates", "first_seq", "last_seq", "nibble_order", "nibble_source", "gap_samples"],
  ...["peak_dbfs", "rms_dbfs", "silent_share", "clipped_samples", "bin_bytes", "bin_sha256", "wav_bytes", "wav_sha256"],
  ...["json_bytes", "json_sha256", "recovered", "close_reason", "acked", "drift_ppm", "dropped_duplicates"],
  ...["dc_offset", "clock_ahead_ms"],
];

const nibbleColumns = ["nibble_order", "nibble_source", "nibble_seen_ms"];
const isNewerNibbleSql = "@nibble_order IS NOT NULL AND coalesce(nibble_seen_ms, @nibble_seen_ms) <= @nibble_seen_ms";

/** See `createUploadStates` of migration 005. */
const pendingUploadState = 2;

// Every device's every segment passes here: prepared once, which takes an eighth of the time of building the queries. What
// is nearly always there is updated first: an upsert costs more than twice as much.
function prepareOwners(sqlite: Database) {
  return {
    // The newest verdict counts, in whatever order segments come: a device may get another encoder.
    seeDevice: sqlite.prepare<[Insertable<DevicesTable>]>(`
      UPDATE devices SET first_seen_ms = min(first_seen_ms, @first_seen_ms),
        last_seen_ms = max(last_seen_ms, @last_seen_ms),
        ${nibbleColumns.map((column) => `${column} = iif(${isNewerNibbleSql}, @${column}, ${column})`).join()}
      WHERE hwid = @hwid`),
    addDevice: sqlite.prepare<[Insertable<DevicesTable>]>(`
      INSERT INTO devices (hwid, first_seen_ms, last_seen_ms, nibble_order, nibble_source, nibble_seen_ms)
      VALUES (@hwid, @first_seen_ms, @last_seen_ms, @nibble_order, @nibble_source, @nibble_seen_ms)`),
    // Leaves its end alone, and with it the index of those that have none.
    seeSession: sqlite.prepare<[Pick<Insertable<SessionsTable>, "session" | "start_warning" | "last_active_ms">]>(`
      UPDATE sessions SET start_warning = @start_warning, last_active_ms = max(last_active_ms, @last_active_ms)
      WHERE session = @session`),
    addSession: sqlite.prepare<[Insertable<SessionsTable>]>(`
      INSERT INTO sessions (session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms,
        start_rule, device_start_ms, server_start_ms, ended_ms, acked, start_warning, last_active_ms)
      VALUES (@session, @hwid, @stream_id, @codec, @sample_rate_hz, @channels, @frame_samples, @start_ms,
        @start_rule, @device_start_ms, @server_start_ms, @ended_ms, @acked, @start_warning, @last_active_ms)
      ON CONFLICT (session) DO UPDATE SET
        ended_ms = coalesce(max(ended_ms, excluded.ended_ms), ended_ms, excluded.ended_ms),
        start_warning = excluded.start_warning,
        last_active_ms = max(last_active_ms, excluded.last_active_ms)`),
    session: sqlite.prepare<[string], SessionState>(
      "SELECT session, hwid, stream_id, start_ms, ended_ms FROM sessions WHERE session = ?",
    ),
    endSession: sqlite.prepare<[{ session: string; endedMs: number }]>(`
      UPDATE sessions SET ended_ms = max(coalesce(ended_ms, @endedMs), @endedMs) WHERE session = @session`),
    resumeSession: sqlite.prepare<[string]>("UPDATE sessions SET ended_ms = NULL WHERE session = ?"),
  };
}

function prepare(sqlite: Database): Statements {
  return {
    ...prepareOwners(sqlite),
    nextId: sqlite
      .prepare<[], number>(`
      SELECT 1 + max((SELECT last_id FROM segment_ids), coalesce((SELECT max(id) FROM segments), 0))`)
      .pluck(),
    addSegment: sqlite.prepare(`
      INSERT INTO segments (id, upload_state, ${segmentColumns.join()})
      VALUES (@id, @upload_state, ${segmentColumns.map((column) => `@${column}`).join()})`),
    updateSegment: sqlite.prepare(`
      UPDATE segments SET evicted_ms = NULL, has_overview = 1, ${segmentColumns.map((column) => `${column} = @${column}`).join()}
      WHERE session = @session AND idx = @idx`),
    dropGaps: sqlite.prepare("DELETE FROM gaps WHERE segment_id = ?"),
    addGap: sqlite.prepare(`
      INSERT INTO gaps (segment_id, idx, from_seq, to_seq, start_sample, sample_count, cause, start_ms, hwid, stream_id,
        duration_ms, size_class)
      VALUES (@segment_id, @idx, @from_seq, @to_seq, @start_sample, @sample_count, @cause, @start_ms, @hwid, @stream_id,
        @duration_ms, @size_class)`),
    dropAnchors: sqlite.prepare("DELETE FROM anchors WHERE segment_id = ?"),
    addAnchor: sqlite.prepare(`
      INSERT INTO anchors (segment_id, idx, seq, capture_ms, capture_us)
      VALUES (@segment_id, @idx, @seq, @capture_ms, @capture_us)`),
    segmentId: sqlite
      .prepare<[string, number], number>("SELECT id FROM segments WHERE session = ? AND idx = ?")
      .pluck(),
    isDeleted: sqlite.prepare("SELECT 1 FROM deletions WHERE name = ?"),
    dropReplacedUpload: sqlite.prepare(`
      DELETE FROM uploads WHERE segment_id = @segment_id AND kind = @kind AND sha256 IS NOT @sha256`),
    addUpload: sqlite.prepare(`
      INSERT INTO uploads (segment_id, kind, bytes, sha256, state, is_backfill, next_try_ms, queued_ms)
      VALUES (@segment_id, @kind, @bytes, @sha256, 'pending', @is_backfill, @queued_ms, @queued_ms)
      ON CONFLICT (segment_id, kind) DO UPDATE SET state = 'pending', next_try_ms = queued_ms
      WHERE state = 'failed'`),
  };
}

/**
 * Writes devices, sessions, segments, what they queue and what they tell. Each method belongs inside a transaction of the
 * caller's.
 */
export class SegmentStore {
  readonly #statements: Statements;
  readonly #events: Pick<EventStore, "add"> | undefined;
  readonly #storedEvents: StoredEventStore | undefined;
  readonly #summaries: SummaryStore;

  /** @param events - takes what happens; without it nothing is told */
  constructor(sqlite: Database, events?: Pick<EventStore, "add">) {
    this.#statements = prepare(sqlite);
    this.#summaries = new SummaryStore(sqlite);
    this.#events = events;
    this.#storedEvents = events && new StoredEventStore(sqlite, events);
  }

  /**
   * Adds the segment or updates it, see `Catalog.addSegment`.
   *
   * @param formerId - id that it had in an earlier catalogue; without it a new one gets an id that none ever had
   */
  addSegment(segment: FinishedSegment, order: UploadOrder, formerId?: number): void {
    const { sidecar } = segment;
    // Its files are about to go: one that is derived again meanwhile must not come back.
    if (this.#statements.isDeleted.get(sidecar.name) !== undefined) return;
    const earlierId = this.#statements.segmentId.get(sidecar.session, sidecar.index);
    if (earlierId === undefined) this.#addNew(segment, order, formerId ?? this.#statements.nextId.get() ?? 1);
    else this.#update(earlierId, segment, order);
  }

  #addNew(segment: FinishedSegment, order: UploadOrder, id: number): void {
    const { sidecar } = segment;
    this.#addDevice(sidecar);
    const endedSession = this.#addSession(segment, order, true);
    const row = segmentRow(segment);
    const gaps = gapRows(id, sidecar);
    const uploads = uploadRows(id, segment, order).filter(({ kind }) => order.kinds.includes(kind));
    // As the trigger of the first upload would set it, which takes one more write of the row.
    this.#statements.addSegment.run({ ...row, id, upload_state: uploads.length > 0 ? pendingUploadState : 0 });
    for (const gap of gaps) this.#statements.addGap.run(gap);
    for (const anchor of anchorRows(id, sidecar)) this.#statements.addAnchor.run(anchor);
    this.#summaries.noteNew(summaryOf(row, gaps, sidecar.audio.sample_rate_hz));
    const isRecovered = sidecar.recovered || order.isBackfill;
    const facts = { id, segment: row, session: sessionRow(sidecar, 0), gaps, isRecovered };
    this.#events?.add(...segmentEvents(facts), ...endedSession);
    for (const upload of uploads) this.#statements.addUpload.run(upload);
  }

  #update(id: number, segment: FinishedSegment, order: UploadOrder): void {
    const wasStored = this.#storedEvents?.isStored(id) === true;
    const before = this.#summaries.read(id);
    this.#addDevice(segment.sidecar);
    this.#addSession(segment, order, false);
    this.#statements.updateSegment.run(segmentRow(segment));
    this.#replaceDetails(id, segment);
    if (before !== undefined) this.#summaries.noteChanged(before);
    this.#queueUploads(id, segment, order);
    this.#storedEvents?.noteChange(id, wasStored);
  }

  /** See `Catalog.endSession`. */
  endSession(session: string, endedMs: number): void {
    const before = this.#statements.session.get(session);
    this.#statements.endSession.run({ session, endedMs });
    this.#summaries.noteSession(session);
    if (before?.ended_ms === null) this.#events?.add(sessionEnded(before, endedMs));
  }

  /** See `Catalog.resumeSession`. */
  resumeSession(session: string): void {
    const before = this.#statements.session.get(session);
    this.#statements.resumeSession.run(session);
    this.#summaries.noteSession(session);
    if (before !== undefined && before.ended_ms !== null) this.#events?.add(sessionResumed(before));
  }

  #addDevice(sidecar: Sidecar): void {
    const device = deviceRow(sidecar);
    if (device === undefined || this.#statements.seeDevice.run(device).changes > 0) return;
    this.#statements.addDevice.run(device);
  }

  /** @returns the event that tells that the segment ended its session, if it did: it follows those of the segment */
  #addSession({ sidecar }: FinishedSegment, order: UploadOrder, isNew: boolean): NewEvent[] {
    const before = this.#statements.session.get(sidecar.session);
    const row = sessionRow(sidecar, isNew && sidecar.received === null ? order.queuedMs : 0);
    // One that is only derived again is no sign of life, nor does it end a session that was resumed since.
    const endedMs = isNew ? row.ended_ms : null;
    if (before === undefined || endedMs !== null) this.#statements.addSession.run({ ...row, ended_ms: endedMs });
    else {
      const { session, start_warning, last_active_ms } = row;
      this.#statements.seeSession.run({ session, start_warning, last_active_ms });
    }
    if (before === undefined) {
      this.#summaries.noteNewSession(sidecar.hwid);
      this.#events?.add(sessionStarted(row));
    }
    return endedMs === null || (before !== undefined && before.ended_ms !== null) ? [] : [sessionEnded(row, endedMs)];
  }

  #replaceDetails(segmentId: number, { sidecar }: FinishedSegment): void {
    const { dropGaps, addGap, dropAnchors, addAnchor } = this.#statements;
    dropGaps.run(segmentId);
    for (const gap of gapRows(segmentId, sidecar)) addGap.run(gap);
    dropAnchors.run(segmentId);
    for (const anchor of anchorRows(segmentId, sidecar)) addAnchor.run(anchor);
  }

  #queueUploads(segmentId: number, segment: FinishedSegment, order: UploadOrder): void {
    const { dropReplacedUpload, addUpload } = this.#statements;
    const uploads = uploadRows(segmentId, segment, order);
    for (const kind of segmentFileKinds) {
      const upload = uploads.find((one) => one.kind === kind);
      // What the store holds under this key is no longer the file: queued again whether asked for or not, else
      // `areAllStored` would speak of other bytes than those on disk. [S-4.4]
      const dropped = dropReplacedUpload.run({ segment_id: segmentId, kind, sha256: upload?.sha256 ?? null });
      if (upload !== undefined && (dropped.changes > 0 || order.kinds.includes(kind))) addUpload.run(upload);
    }
  }
}

/** Uploads of all files that the segment has. */
function uploadRows(segmentId: number, segment: FinishedSegment, order: UploadOrder): UploadRow[] {
  const { bin, wav } = segment.sidecar.files;
  const filesByKind = { bin, wav, json: { bytes: segment.sidecarBytes, sha256: segment.sidecarSha256 } };
  return segmentFileKinds.flatMap((kind) => {
    const file = filesByKind[kind];
    if (file === null) return [];
    const { bytes, sha256 } = file;
    const is_backfill = order.isBackfill ? 1 : 0;
    return [{ segment_id: segmentId, kind, bytes, sha256, is_backfill, queued_ms: order.queuedMs }];
  });
}
