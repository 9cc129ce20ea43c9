import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

// Constant defaults only: SQLite then adds a column without touching the rows, of which there may be 10 million.

async function addSessionColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("sessions")
    .addColumn("acked", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("sessions").addColumn("start_warning", "text").execute();
  await db.schema
    .alterTable("sessions")
    .addColumn("last_active_ms", "real", (column) => column.notNull().defaultTo(0))
    .execute();
}

async function addSegmentColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("segments")
    .addColumn("acked", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("segments").addColumn("drift_ppm", "real").execute();
  await db.schema
    .alterTable("segments")
    .addColumn("dropped_duplicates", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
}

// Over acknowledged segments only: a catalogue of plain sessions does not grow by them.
async function createSeqIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`create index segments_by_seq on segments (session, last_seq) where acked = 1`.execute(db);
  await sql`create index segments_to_store on segments (session, first_seq) where acked = 1 and is_stored = 0`.execute(
    db,
  );
}

// Times of the device's clocks are REAL: they are what the device says, up to 64 bits of it.
async function createAnchors(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("anchors")
    .addColumn("segment_id", "integer", (column) => column.notNull().references("segments.id").onDelete("cascade"))
    .addColumn("idx", "integer", (column) => column.notNull())
    .addColumn("seq", "integer", (column) => column.notNull())
    .addColumn("capture_ms", "real", (column) => column.notNull())
    .addColumn("capture_us", "real", (column) => column.notNull())
    .addPrimaryKeyConstraint("anchors_key", ["segment_id", "idx"])
    .modifyEnd(sql`strict, without rowid`)
    .execute();
}

/** Acknowledged sessions, which can be resumed, with the clocks of their devices. [P-2] */
export const durableDelivery: Migration = {
  async up(db) {
    await addSessionColumns(db);
    await addSegmentColumns(db);
    await createSeqIndexes(db);
    await createAnchors(db);
  },
};
