import { CompiledQuery, type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { backfillSummaries } from "../summary-backfill.ts";

async function run(db: Kysely<unknown>, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

async function createTotals(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `create table device_totals (
      device text primary key not null,
      sessions integer not null default 0,
      segments integer not null default 0,
      media_ms real not null default 0,
      gap_ms real not null default 0,
      bytes integer not null default 0,
      longest_ms real not null default 0,
      first_ms real,
      last_ms real
    ) strict, without rowid`,
    `create table device_streams (
      device text not null,
      stream_id integer not null,
      last_seen_ms real not null,
      primary key (device, stream_id)
    ) strict, without rowid`,
    "create index device_streams_by_age on device_streams (device, last_seen_ms)",
    "create index device_totals_by_longest on device_totals (longest_ms)",
    "alter table sessions add column segments integer not null default 0",
    "alter table sessions add column end_sample integer not null default 0",
    "alter table sessions add column gap_samples integer not null default 0",
    "alter table sessions add column drift_ppm real",
    "alter table sessions add column drift_idx integer",
    "alter table sessions add column end_ms real",
    "alter table sessions add column size_class integer not null default 63",
  );
}

// Buckets of three lengths: a year is read from days or hours, a day from 5 minutes.
async function createRollUps(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `create table roll_ups (
      device text not null,
      length_ms integer not null,
      start_ms integer not null,
      stream_id integer not null,
      covered_ms real not null,
      not_received_ms real not null,
      device_dropped_ms real not null,
      storage_failed_ms real not null,
      peak_dbfs real,
      energy real not null,
      level_ms real not null,
      clipped_samples real not null,
      segments integer not null,
      primary key (device, length_ms, start_ms, stream_id)
    ) strict, without rowid`,
  );
}

async function extendGaps(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    "alter table gaps add column hwid text",
    "alter table gaps add column stream_id integer not null default 0",
    "alter table gaps add column duration_ms real not null default 0",
    "alter table gaps add column size_class integer not null default 0",
    `update gaps set (hwid, stream_id, duration_ms) = (
      select segments.hwid, segments.stream_id, sample_count * 1000.0 / sample_rate_hz
      from segments join sessions using (session) where segments.id = segment_id)`,
    "update gaps set size_class = min(44, cast(log2(max(1.0, duration_ms)) as integer))",
    "create index gaps_by_device on gaps (hwid, size_class, start_ms, stream_id, duration_ms)",
  );
}

// What waits for its upload, by the worst of a segment's: 4 failed, 3 uploading, 2 pending, 0 nothing waits.
async function createUploadStates(db: Kysely<unknown>): Promise<void> {
  const rank = (state: string) =>
    `case ${state} when 'pending' then 2 when 'uploading' then 3 when 'failed' then 4 else 0 end`;
  const worst = (id: string) => `(select coalesce(max(${rank("state")}), 0) from uploads where segment_id = ${id})`;
  const note = (row: string) => `update segments set upload_state = ${worst(`${row}.segment_id`)}
    where id = ${row}.segment_id and upload_state <> ${worst(`${row}.segment_id`)};`;
  const waiting = "upload_state = 2 or upload_state = 3 or upload_state = 4";
  await run(
    db,
    "alter table segments add column upload_state integer not null default 0",
    `update segments set upload_state = ${worst("segments.id")} where id in (
      select segment_id from uploads where state = 'pending' or state = 'uploading' or state = 'failed')`,
    `create trigger upload_states_inserted after insert on uploads begin
      update segments set upload_state = ${rank("new.state")}
      where id = new.segment_id and upload_state < ${rank("new.state")}; end`,
    `create trigger upload_states_deleted after delete on uploads begin ${note("old")} end`,
    `create trigger upload_states_moved after update of state on uploads begin ${note("new")} end`,
    `create index segments_by_upload on segments (upload_state, hwid, start_ms, id) where ${waiting}`,
    `create index segments_by_upload_and_time on segments (upload_state, start_ms, id) where ${waiting}`,
  );
}

// Those by device and time hold all that a range lookup asks of segments that it then does not give.
async function createSegmentIndexes(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    "drop index segments_by_device",
    "create index segments_by_device on segments (hwid, start_ms, id, end_ms, stream_id)",
    "drop index segments_by_time",
    "create index segments_by_time on segments (start_ms, id, end_ms, stream_id)",
    "create index segments_in_session on segments (session, start_ms, id, end_ms)",
    "create index segments_with_gaps on segments (hwid, start_ms, id) where gap_samples > 0",
    "create index segments_with_gaps_by_time on segments (start_ms, id) where gap_samples > 0",
    "create index segments_recovered on segments (hwid, start_ms, id) where recovered = 1",
    "create index segments_recovered_by_time on segments (start_ms, id) where recovered = 1",
  );
}

async function createSessionIndexes(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    "create index sessions_by_size on sessions (hwid, size_class, start_ms, session)",
    "create index sessions_by_size_and_time on sessions (size_class, start_ms, session)",
  );
}

/** What lists, range lookups and time lines are answered from: totals, roll-ups and indexes, filled from what there is. */
export const reading: Migration = {
  async up(db) {
    await createTotals(db);
    await createRollUps(db);
    await extendGaps(db);
    await createUploadStates(db);
    await createSegmentIndexes(db);
    await backfillSummaries({
      all: async (text, parameters) => [
        ...(await db.executeQuery<never>(CompiledQuery.raw(text, [...parameters]))).rows,
      ],
    });
    await createSessionIndexes(db);
  },
};
