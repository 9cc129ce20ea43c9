import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

// Keys are chosen for 10 million segments and 30 million uploads: integer keys where other tables refer to, indexes of
// the queue only over what is not stored yet. Times are REAL because sidecars may hold fractions of a millisecond.

async function createSessions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("devices")
    .addColumn("hwid", "text", (column) => column.primaryKey().notNull())
    .addColumn("first_seen_ms", "real", (column) => column.notNull())
    .addColumn("last_seen_ms", "real", (column) => column.notNull())
    .addColumn("nibble_order", "text")
    .addColumn("nibble_source", "text")
    .addColumn("nibble_seen_ms", "real")
    .modifyEnd(sql`strict, without rowid`)
    .execute();
  await db.schema
    .createTable("sessions")
    .addColumn("session", "text", (column) => column.primaryKey().notNull())
    .addColumn("hwid", "text", (column) => column.references("devices.hwid"))
    .addColumn("stream_id", "integer", (column) => column.notNull())
    .addColumn("codec", "text", (column) => column.notNull())
    .addColumn("sample_rate_hz", "integer", (column) => column.notNull())
    .addColumn("channels", "integer", (column) => column.notNull())
    .addColumn("frame_samples", "integer", (column) => column.notNull())
    .addColumn("start_ms", "real", (column) => column.notNull())
    .addColumn("start_rule", "text", (column) => column.notNull())
    .addColumn("device_start_ms", "real", (column) => column.notNull())
    .addColumn("server_start_ms", "real", (column) => column.notNull())
    .addColumn("ended_ms", "real")
    .modifyEnd(sql`strict, without rowid`)
    .execute();
  await db.schema.createIndex("sessions_by_device").on("sessions").columns(["hwid", "start_ms"]).execute();
}

async function createSegments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("segments")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("session", "text", (column) => column.notNull().references("sessions.session"))
    .addColumn("idx", "integer", (column) => column.notNull())
    .addColumn("hwid", "text")
    .addColumn("stream_id", "integer", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull().unique())
    .addColumn("folder", "text", (column) => column.notNull())
    .addColumn("start_ms", "real", (column) => column.notNull())
    .addColumn("end_ms", "real", (column) => column.notNull())
    .addColumn("start_sample", "integer", (column) => column.notNull())
    .addColumn("samples", "integer", (column) => column.notNull())
    .addColumn("wav_samples", "integer")
    .addColumn("frames", "integer", (column) => column.notNull())
    .addColumn("duplicates", "integer", (column) => column.notNull())
    .addColumn("first_seq", "integer", (column) => column.notNull())
    .addColumn("last_seq", "integer", (column) => column.notNull())
    .addColumn("nibble_order", "text")
    .addColumn("nibble_source", "text")
    .addColumn("gap_samples", "integer", (column) => column.notNull())
    .addColumn("peak_dbfs", "real")
    .addColumn("rms_dbfs", "real")
    .addColumn("silent_share", "real")
    .addColumn("clipped_samples", "integer")
    .addColumn("bin_bytes", "integer", (column) => column.notNull())
    .addColumn("bin_sha256", "text", (column) => column.notNull())
    .addColumn("wav_bytes", "integer")
    .addColumn("wav_sha256", "text")
    .addColumn("json_bytes", "integer", (column) => column.notNull())
    .addColumn("json_sha256", "text", (column) => column.notNull())
    .addColumn("recovered", "integer", (column) => column.notNull())
    .addColumn("close_reason", "text", (column) => column.notNull())
    .addColumn("is_stored", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("evicted_ms", "real")
    .addUniqueConstraint("segments_by_session", ["session", "idx"])
    .modifyEnd(sql`strict`)
    .execute();
  await db.schema.createIndex("segments_by_device").on("segments").columns(["hwid", "start_ms"]).execute();
  await db.schema.createIndex("segments_by_time").on("segments").column("start_ms").execute();
  await sql`create index segments_to_evict on segments (start_ms, id) where is_stored = 1 and evicted_ms is null`.execute(
    db,
  );
  await db.schema
    .createTable("gaps")
    .addColumn("segment_id", "integer", (column) => column.notNull().references("segments.id").onDelete("cascade"))
    .addColumn("idx", "integer", (column) => column.notNull())
    .addColumn("from_seq", "integer", (column) => column.notNull())
    .addColumn("to_seq", "integer", (column) => column.notNull())
    .addColumn("start_sample", "integer", (column) => column.notNull())
    .addColumn("sample_count", "integer", (column) => column.notNull())
    .addColumn("cause", "text", (column) => column.notNull())
    .addColumn("start_ms", "real", (column) => column.notNull())
    .addPrimaryKeyConstraint("gaps_key", ["segment_id", "idx"])
    .modifyEnd(sql`strict, without rowid`)
    .execute();
}

async function createUploads(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("uploads")
    // Autoincrement: the id of an upload that was replaced must never name another one, its uploader may still report.
    .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("segment_id", "integer", (column) => column.notNull().references("segments.id").onDelete("cascade"))
    .addColumn("kind", "text", (column) => column.notNull().check(sql`kind in ('bin', 'wav', 'json')`))
    .addColumn("bytes", "integer", (column) => column.notNull())
    .addColumn("sha256", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull().references("upload_totals.state"))
    .addColumn("is_backfill", "integer", (column) => column.notNull())
    .addColumn("attempts", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("next_try_ms", "real", (column) => column.notNull())
    .addColumn("error_code", "text")
    .addColumn("reason", "text")
    .addColumn("key", "text")
    .addColumn("etag", "text")
    .addColumn("stored_ms", "real")
    .addColumn("queued_ms", "real", (column) => column.notNull())
    .addUniqueConstraint("uploads_by_segment", ["segment_id", "kind"])
    .modifyEnd(sql`strict`)
    .execute();
  // Written as OR, not IN or <>: SQLite then sees that `state = 'pending'` implies the index's condition.
  const isNotStored = sql`state = 'pending' or state = 'uploading' or state = 'failed'`;
  await sql`create index uploads_to_claim on uploads (state, is_backfill, next_try_ms) where ${isNotStored}`.execute(
    db,
  );
  await sql`create index uploads_by_age on uploads (queued_ms) where ${isNotStored}`.execute(db);
}

async function createUploadTotals(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("upload_totals")
    .addColumn("state", "text", (column) => column.primaryKey().notNull())
    .addColumn("files", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("bytes", "integer", (column) => column.notNull().defaultTo(0))
    .modifyEnd(sql`strict, without rowid`)
    .execute();
  await sql`insert into upload_totals (state) values ('pending'), ('uploading'), ('stored'), ('failed')`.execute(db);
}

async function createTotalTriggers(db: Kysely<unknown>): Promise<void> {
  const add = sql`update upload_totals set files = files + 1, bytes = bytes + new.bytes where state = new.state;`;
  const subtract = sql`update upload_totals set files = files - 1, bytes = bytes - old.bytes where state = old.state;`;
  await sql`create trigger uploads_inserted after insert on uploads begin ${add} end`.execute(db);
  await sql`create trigger uploads_deleted after delete on uploads begin ${subtract} end`.execute(db);
  await sql`create trigger uploads_moved after update of state, bytes on uploads begin ${subtract} ${add} end`.execute(
    db,
  );
}

// Kept with the segment, so that the oldest one to evict is found at once among millions that wait for a store that is
// down. A WAV that was never queued is no obstacle: it is derived from the `.bin`.
async function createStoredTriggers(db: Kysely<unknown>): Promise<void> {
  const isStored = sql`(select count(*) filter (where kind in ('bin', 'json')) = 2 and min(state = 'stored')
    from uploads where segment_id = segments.id)`;
  const note = (row: string) =>
    sql`update segments set is_stored = ${isStored} where id = ${sql.ref(`${row}.segment_id`)} and is_stored <> ${isStored};`;
  await sql`create trigger segments_queued after insert on uploads begin ${note("new")} end`.execute(db);
  await sql`create trigger segments_stored after update of state on uploads when new.state = 'stored'
    begin ${note("new")} end`.execute(db);
  await sql`create trigger segments_dequeued after delete on uploads begin ${note("old")} end`.execute(db);
}

/** Devices, sessions, segments with their gaps, and the queue of uploads with its totals. */
export const initial: Migration = {
  async up(db) {
    await createSessions(db);
    await createSegments(db);
    await createUploadTotals(db);
    await createUploads(db);
    await createTotalTriggers(db);
    await createStoredTriggers(db);
  },
};
