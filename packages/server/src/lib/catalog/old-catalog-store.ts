import type { Database, Statement } from "better-sqlite3";
import type { Selectable } from "kysely";
import { withCatalogErrors } from "./catalog-error.ts";
import { type CatalogFile, closeCatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import type { EventStore } from "./event-store.ts";
import type { GapsTable, SegmentsTable, SessionsTable } from "./schema.ts";
import { segmentEvents, sessionEnded, sessionStarted } from "./segment-events.ts";
import { classifySessionsSql } from "./summary-backfill.ts";

// Object keys are made of a segment's hwid and file name, so it is the name that tells whether an upload is the same;
// the folder may have been moved.
const copyUploadsSql = `
  INSERT INTO main.uploads (segment_id, kind, bytes, sha256, state, is_backfill, attempts, next_try_ms, error_code,
    reason, key, etag, stored_ms, queued_ms)
  SELECT segment.id, upload.kind, upload.bytes, upload.sha256, upload.state, upload.is_backfill, upload.attempts,
    upload.next_try_ms, upload.error_code, upload.reason, upload.key, upload.etag, upload.stored_ms, upload.queued_ms
  FROM old.uploads AS upload
  JOIN old.segments AS old_segment ON old_segment.id = upload.segment_id
  JOIN main.segments AS segment ON segment.name = old_segment.name
  WHERE upload.sha256 = CASE upload.kind
    WHEN 'bin' THEN segment.bin_sha256 WHEN 'wav' THEN segment.wav_sha256 ELSE segment.json_sha256 END
  ORDER BY upload.id`;

// An acknowledged session that goes on has no end, whatever its earlier segments say.
const copySessionEndsSql = `
  UPDATE main.sessions SET ended_ms = old_session.ended_ms FROM old.sessions AS old_session
  WHERE old_session.session = main.sessions.session AND (old_session.ended_ms IS NOT NULL OR old_session.acked = 1)`;

const copyActivitySql = `
  UPDATE main.sessions SET last_active_ms = old_session.last_active_ms FROM old.sessions AS old_session
  WHERE old_session.session = main.sessions.session AND old_session.last_active_ms > 0`;

const copyEvictionsSql = `
  UPDATE main.segments SET evicted_ms = old_segment.evicted_ms FROM old.segments AS old_segment
  WHERE old_segment.name = main.segments.name AND old_segment.evicted_ms IS NOT NULL`;

// Before the targets: events that stood in the log were queued when they were written.
const copyEventsSql = [
  "INSERT INTO main.events (id, type, time_ms, hwid, data) SELECT id, type, time_ms, hwid, data FROM old.events ORDER BY id",
  "INSERT INTO main.targets (target, is_for_all) SELECT target, is_for_all FROM old.targets",
  "INSERT INTO main.target_types SELECT * FROM old.target_types",
  "INSERT INTO main.target_devices SELECT * FROM old.target_devices",
  "INSERT INTO main.deliveries SELECT * FROM old.deliveries",
  "INSERT INTO main.dead_letters SELECT * FROM old.dead_letters",
];

const copyAnnotationsSql = [
  "INSERT INTO main.pins SELECT * FROM old.pins",
  "INSERT INTO main.health_states SELECT * FROM old.health_states",
  `INSERT INTO main.devices SELECT * FROM old.devices WHERE true
    ON CONFLICT (hwid) DO UPDATE SET name = excluded.name, tags = excluded.tags,
      first_seen_ms = min(first_seen_ms, excluded.first_seen_ms), last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`,
  "INSERT INTO main.device_totals (device) SELECT hwid FROM main.devices WHERE true ON CONFLICT DO NOTHING",
];

// A device may go on with a session whose segments are deleted. [P-2.7]
const copyDeletedPositionsSql = [
  `UPDATE main.sessions SET deleted_next_seq = old_session.deleted_next_seq,
    deleted_next_sample = old_session.deleted_next_sample, deleted_next_index = old_session.deleted_next_index
  FROM old.sessions AS old_session WHERE old_session.session = main.sessions.session`,
  `INSERT INTO main.sessions SELECT * FROM old.sessions AS old_session
  WHERE deleted_next_seq IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM main.sessions WHERE main.sessions.session = old_session.session)`,
  `UPDATE main.sessions SET segments = 0, gap_samples = 0, end_sample = 0, end_ms = NULL
  WHERE NOT EXISTS (SELECT 1 FROM main.segments WHERE main.segments.session = main.sessions.session)`,
  `UPDATE main.device_totals SET sessions = (
    SELECT count(*) FROM main.sessions WHERE hwid IS nullif(device, ''))`,
];

// Ids of the old catalogue never name anything else.
const copySequencesSql = [
  `CREATE TEMP TABLE sequences AS SELECT name, max(seq) AS seq FROM (
    SELECT name, seq FROM main.sqlite_sequence UNION ALL SELECT name, seq FROM old.sqlite_sequence) GROUP BY name`,
  "DELETE FROM main.sqlite_sequence",
  "INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM temp.sequences",
  "DROP TABLE temp.sequences",
];

// New segments get ids beyond it, while those that the old catalogue knew keep theirs.
const copyLastSegmentIdSql = `
  UPDATE main.segment_ids SET last_id = (
    SELECT max(last_id, coalesce((SELECT max(id) FROM old.segments), 0)) FROM old.segment_ids)`;

// No upload is in flight while nobody serves.
const copyDeletionsSql = `
  INSERT INTO main.deletions (id, name, folder, hwid, keys, unverified_kinds, uploads_in_flight)
  SELECT id, name, folder, hwid, keys, unverified_kinds, 0 FROM old.deletions`;

// It was made beside recordings whose catalogue was lost. What it lacks are those, told of before that: all that came later
// it knows.
const hasLostLogSql = "SELECT EXISTS (SELECT 1 FROM old.unknown_recordings)";

const newSegmentIdsSql = `
  SELECT id FROM main.segments WHERE id > ? AND NOT EXISTS (
    SELECT 1 FROM old.segments WHERE old.segments.name = main.segments.name)
  ORDER BY id LIMIT 500`;

/** Runs statements with the old catalogue attached as `old`: all of them or, when one throws, none. */
async function withOld({ sqlite }: CatalogFile, oldPath: string, work: (sqlite: Database) => void): Promise<void> {
  // Opening brings the old schema up to date, closing folds its WAL in.
  closeCatalogFile(await openCatalogFile(oldPath));
  withCatalogErrors(oldPath, () => {
    sqlite.prepare("ATTACH ? AS old").run(oldPath);
    try {
      sqlite.transaction(work)(sqlite);
    } finally {
      sqlite.exec("DETACH old");
    }
  });
}

/**
 * Takes over what the new catalogue must know before its segments come. The deletions that are not done yet: their
 * segments are left out though their sidecars may still stand. The greatest id of a segment: none is given twice.
 *
 * @param file - the new catalogue, empty
 * @param oldPath - the old one, closed; an empty one is made when it is missing
 * @throws StorageError `CATALOG_UNREADABLE` or `INTERNAL`: the old one is damaged
 */
export function prepareForSegments(file: CatalogFile, oldPath: string): Promise<void> {
  return withOld(file, oldPath, (sqlite) => {
    for (const sql of [copyDeletionsSql, copyLastSegmentIdSql]) sqlite.exec(sql);
  });
}

/** A segment in an old catalogue. */
export interface OldSegment {
  /** Events, and those who read them, name it by this. */
  readonly id: number;
  /** Where its files stood. */
  readonly folder: string;
}

/** The segments of an old catalogue. */
export class OldSegments {
  readonly #sqlite: Database;
  #find: Statement<[session: string, index: number], OldSegment> | undefined;

  /**
   * @param file - the new catalogue
   * @param oldPath - the old one, closed, its schema up to date
   */
  constructor({ sqlite }: CatalogFile, oldPath: string) {
    this.#sqlite = sqlite;
    sqlite.prepare("ATTACH ? AS old").run(oldPath);
    this.#find = sqlite.prepare("SELECT id, folder FROM old.segments WHERE session = ? AND idx = ?");
  }

  /** The segment, unless it is not known or the old catalogue turns out to be damaged: then it gets a new id. */
  find(session: string, index: number): OldSegment | undefined {
    try {
      return this.#find?.get(session, index);
    } catch {
      this.#find = undefined;
      return undefined;
    }
  }

  /** Lets go of the old catalogue. */
  close(): void {
    this.#sqlite.exec("DETACH old");
  }
}

/**
 * Takes over what sidecars do not tell: the states of uploads whose file has the same name and SHA-256, when sessions
 * ended and were last active, which segments are evicted, the log of events with all that is queued of it, pins, names,
 * tags and health. Segments that the old catalogue did not know bring their events now, unless an older one was lost before
 * it. All of it or, when this throws, nothing.
 *
 * @param file - the new catalogue, its segments in place
 * @param oldPath - the old one, closed
 * @param events - log of the new one, empty
 * @throws StorageError `CATALOG_UNREADABLE` or `INTERNAL`: the old one is damaged
 */
export function keepOldState(file: CatalogFile, oldPath: string, events: Pick<EventStore, "add">): Promise<void> {
  return withOld(file, oldPath, (sqlite) => {
    const uploads = [copyUploadsSql, copySessionEndsSql, copyActivitySql, copyEvictionsSql];
    const rest = [...copyEventsSql, ...copyAnnotationsSql, ...copyDeletedPositionsSql, ...copySequencesSql];
    for (const sql of [...uploads, ...rest, classifySessionsSql]) sqlite.exec(sql);
    if (sqlite.prepare<[], number>(hasLostLogSql).pluck().get() === 0) tellNewSegments(sqlite, events);
  });
}

function tellNewSegments(sqlite: Database, events: Pick<EventStore, "add">): void {
  const ids = sqlite.prepare<[number], number>(newSegmentIdsSql).pluck();
  const segment = sqlite.prepare<[number], Selectable<SegmentsTable>>("SELECT * FROM segments WHERE id = ?");
  const session = sqlite.prepare<[string], Selectable<SessionsTable>>("SELECT * FROM sessions WHERE session = ?");
  const gaps = sqlite.prepare<[number], Selectable<GapsTable>>("SELECT * FROM gaps WHERE segment_id = ? ORDER BY idx");
  const isKnown = sqlite.prepare<[string]>("SELECT 1 FROM old.sessions WHERE session = ?");
  const told = new Set<string>();
  for (let page = ids.all(0); page.length > 0; page = ids.all(page.at(-1) ?? 0)) {
    for (const id of page) {
      const row = segment.get(id);
      const sessionRow = row && session.get(row.session);
      if (row === undefined || sessionRow === undefined) continue;
      if (!told.has(row.session) && isKnown.get(row.session) === undefined) events.add(sessionStarted(sessionRow));
      told.add(row.session);
      events.add(...segmentEvents({ id, segment: row, session: sessionRow, gaps: gaps.all(id), isRecovered: true }));
    }
  }
  for (const name of told) {
    const row = session.get(name);
    if (row?.ended_ms == null || isKnown.get(name) !== undefined) continue;
    events.add(sessionEnded(row, row.ended_ms));
  }
}
