import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * Devices whose newest word in the log is that they are online. Kept by triggers: the log forgets what is old, and a
 * device may be online for longer than that.
 */
export const presence: Migration = {
  async up(db) {
    await sql`create table presence (
      hwid text primary key not null,
      since_time text,
      noted_ms real not null
    ) strict, without rowid`.execute(db);
    await sql`insert into presence
      select hwid, json_extract(data, '$.since_time'), time_ms from events where type = 'device.online' and id in (
        select max(id) from events where type in ('device.online', 'device.offline') and hwid is not null group by hwid)
    `.execute(db);
    await sql`create trigger presence_begun after insert on events
      when new.type = 'device.online' and new.hwid is not null
      begin insert or replace into presence values (new.hwid, json_extract(new.data, '$.since_time'), new.time_ms); end
    `.execute(db);
    await sql`create trigger presence_ended after insert on events
      when new.type = 'device.offline' and new.hwid is not null
      begin delete from presence where hwid = new.hwid; end`.execute(db);
  },
};
