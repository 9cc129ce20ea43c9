import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * The greatest id that a deleted segment had: SQLite would give it again to the next one, and who repeats a deletion, or
 * asks for what an event told of, would meet another recording.
 */
export const segmentIds: Migration = {
  async up(db) {
    await sql`create table segment_ids (last_id integer not null)`.execute(db);
    await sql`insert into segment_ids (last_id) select coalesce(max(id), 0) from segments`.execute(db);
    await sql`create trigger segment_ids_given after delete on segments
      when old.id > (select last_id from segment_ids)
      begin update segment_ids set last_id = old.id; end`.execute(db);
  },
};
