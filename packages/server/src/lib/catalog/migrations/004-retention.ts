import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

async function createLocalIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`create index segments_local on segments (hwid, is_stored, start_ms) where evicted_ms is null`.execute(db);
  // The stored ones of all devices are found by segments_to_evict.
  await sql`create index segments_local_only on segments (start_ms, id) where is_stored = 0 and evicted_ms is null`.execute(
    db,
  );
}

// Kept by triggers: adding up 10 million rows before each look at a quota would take seconds. '' is no id.
async function createLocalTotals(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("local_totals")
    .addColumn("hwid", "text", (column) => column.primaryKey().notNull())
    .addColumn("segments", "integer", (column) => column.notNull())
    .addColumn("local_segments", "integer", (column) => column.notNull())
    .addColumn("local_bytes", "integer", (column) => column.notNull())
    .modifyEnd(sql`strict, without rowid`)
    .execute();
  await sql`
    insert into local_totals
    select coalesce(hwid, ''), count(*), sum(evicted_ms is null),
      sum(iif(evicted_ms is null, bin_bytes + coalesce(wav_bytes, 0), 0))
    from segments group by hwid`.execute(db);
  const isLocal = (row: string) => sql`(${sql.ref(`${row}.evicted_ms`)} is null)`;
  const bytes = (row: string) =>
    sql`iif(${isLocal(row)}, ${sql.ref(`${row}.bin_bytes`)} + coalesce(${sql.ref(`${row}.wav_bytes`)}, 0), 0)`;
  const add = sql`
    insert into local_totals values (coalesce(new.hwid, ''), 1, ${isLocal("new")}, ${bytes("new")})
    on conflict (hwid) do update set segments = segments + 1, local_segments = local_segments + excluded.local_segments,
      local_bytes = local_bytes + excluded.local_bytes;`;
  const subtract = sql`
    update local_totals set segments = segments - 1, local_segments = local_segments - ${isLocal("old")},
      local_bytes = local_bytes - ${bytes("old")} where hwid = coalesce(old.hwid, '');`;
  await sql`create trigger local_inserted after insert on segments begin ${add} end`.execute(db);
  await sql`create trigger local_deleted after delete on segments begin ${subtract} end`.execute(db);
  await sql`create trigger local_changed after update of hwid, bin_bytes, wav_bytes, evicted_ms on segments
    begin ${subtract} ${add} end`.execute(db);
}

/** What stands on the local disk, by device: for quotas. [S-2.5] */
export const retention: Migration = {
  async up(db) {
    await createLocalIndexes(db);
    await createLocalTotals(db);
  },
};
