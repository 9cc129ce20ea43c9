import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * What the insertion of an upload means for its segment, by one look at the segment's row instead of four at its uploads:
 * while another one waits the segment is not stored, and its state is the worst of them. An upload that is inserted as
 * stored, which only a reindex does, still counts them.
 */
export const cheaperUploads: Migration = {
  async up(db) {
    const rank = sql`case new.state when 'pending' then 2 when 'uploading' then 3 when 'failed' then 4 else 0 end`;
    const isStored = sql`(select count(*) filter (where kind in ('bin', 'json')) = 2 and min(state = 'stored')
      from uploads where segment_id = segments.id)`;
    await sql`drop trigger segments_queued`.execute(db);
    await sql`drop trigger upload_states_inserted`.execute(db);
    await sql`create trigger uploads_queued after insert on uploads when new.state <> 'stored' begin
      update segments set is_stored = 0, upload_state = max(upload_state, ${rank})
      where id = new.segment_id and (is_stored = 1 or upload_state < ${rank}); end`.execute(db);
    await sql`create trigger uploads_known after insert on uploads when new.state = 'stored' begin
      update segments set is_stored = ${isStored} where id = new.segment_id and is_stored <> ${isStored}; end`.execute(
      db,
    );
  },
};
