import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Files and bytes of an upload that wait: all of it, or nothing once it is stored. */
const waitingOf = (row: string) => ({
  files: `(${row}.state <> 'stored')`,
  bytes: `${row}.bytes * (${row}.state <> 'stored')`,
});

/** Adds to the backlog of the device that a segment belongs to; without effect when the segment is gone. */
function note(segmentId: string, files: string, bytes: string): string {
  return `insert into upload_backlogs (device, files, bytes)
    select coalesce(hwid, ''), ${files}, ${bytes} from segments where id = ${segmentId}
    on conflict (device) do update set files = files + excluded.files, bytes = bytes + excluded.bytes;`;
}

async function createTriggers(db: Kysely<unknown>): Promise<void> {
  const was = waitingOf("old");
  const is = waitingOf("new");
  const statements = [
    `create trigger upload_backlogs_inserted after insert on uploads when new.state <> 'stored'
      begin ${note("new.segment_id", is.files, is.bytes)} end`,
    `create trigger upload_backlogs_moved after update of state, bytes on uploads
      when ${is.files} <> ${was.files} or ${is.bytes} <> ${was.bytes}
      begin ${note("new.segment_id", `${is.files} - ${was.files}`, `${is.bytes} - ${was.bytes}`)} end`,
    `create trigger upload_backlogs_deleted after delete on uploads when old.state <> 'stored'
      begin ${note("old.segment_id", "-1", "-old.bytes")} end`,
    // The uploads of a segment go behind it, and know its device no more.
    `create trigger upload_backlogs_dropped before delete on segments when old.upload_state > 0 begin
      update upload_backlogs set
        files = files - (select count(*) from uploads where segment_id = old.id and state <> 'stored'),
        bytes = bytes - (select coalesce(sum(bytes), 0) from uploads where segment_id = old.id and state <> 'stored')
      where device = coalesce(old.hwid, ''); end`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** What waits for the object store per device, kept so that nobody has to add it up; failed uploads by their reason. */
export const uploadBacklogs: Migration = {
  async up(db) {
    await sql`create table upload_backlogs (
      device text primary key not null,
      files integer not null,
      bytes integer not null
    ) strict, without rowid`.execute(db);
    await sql`insert into upload_backlogs (device, files, bytes)
      select coalesce(hwid, ''), count(*), sum(bytes) from uploads indexed by uploads_to_claim
      join segments on segments.id = segment_id
      where state = 'pending' or state = 'uploading' or state = 'failed' group by 1`.execute(db);
    await createTriggers(db);
    await sql`create index uploads_failed on uploads (error_code, next_try_ms, id, bytes, queued_ms)
      where state = 'failed'`.execute(db);
  },
};
