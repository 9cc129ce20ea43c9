import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * Segments whose command has not run yet, by the deliveries to it: their local files are still needed. Kept by triggers,
 * which do nothing where there is no command: whoever evicts would else parse the events of the whole queue.
 */
export const awaitedSegments: Migration = {
  async up(db) {
    await sql`create table awaited_segments (
      event_id integer primary key,
      segment_id integer not null,
      event_ms real not null
    ) strict`.execute(db);
    await sql`create index awaited_segments_by_id on awaited_segments (segment_id, event_ms)`.execute(db);
    const rows = sql`select id, cast(json_extract(data, '$.segment_id') as integer), time_ms from events`;
    const isNamed = sql`json_extract(data, '$.segment_id') is not null`;
    await sql`insert into awaited_segments ${rows}
      where id in (select event_id from deliveries where target = 'run-on-segment') and ${isNamed}`.execute(db);
    await sql`create trigger segments_awaited after insert on deliveries when new.target = 'run-on-segment'
      begin insert or replace into awaited_segments ${rows} where id = new.event_id and ${isNamed}; end`.execute(db);
    await sql`create trigger segments_not_awaited after delete on deliveries when old.target = 'run-on-segment'
      begin delete from awaited_segments where event_id = old.event_id; end`.execute(db);
  },
};
