import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * By how much a segment's times go ahead of the server's clock because the device's was not believed, and from that the
 * time by which it ages: what a device with a wrong clock sends today is of today, whatever year it says. The indexes that
 * quotas and evictions walk follow that time. Virtual: no row is written but those of such devices.
 */
export const deviceClocks: Migration = {
  async up(db) {
    await sql`alter table segments add column clock_ahead_ms real not null default 0`.execute(db);
    await sql`alter table segments add column kept_from_ms real
      generated always as (start_ms - clock_ahead_ms) virtual`.execute(db);
    await sql`update segments set clock_ahead_ms = (
        select sessions.start_ms - server_start_ms from sessions where sessions.session = segments.session)
      where session in (select session from sessions where start_rule = 'device-unverified')`.execute(db);
    await sql`drop index segments_to_evict`.execute(db);
    await sql`drop index segments_local`.execute(db);
    await sql`drop index segments_local_only`.execute(db);
    await sql`create index segments_to_evict on segments (kept_from_ms, id)
      where is_stored = 1 and evicted_ms is null`.execute(db);
    await sql`create index segments_local on segments (hwid, is_stored, kept_from_ms, id)
      where evicted_ms is null`.execute(db);
    await sql`create index segments_local_only on segments (kept_from_ms, id)
      where is_stored = 0 and evicted_ms is null`.execute(db);
  },
};
