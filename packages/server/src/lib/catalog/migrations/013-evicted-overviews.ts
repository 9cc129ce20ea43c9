import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * Which evicted segments may still have an overview on the disk: they can be made again from the store, and go when the
 * disk is low. Of those from before nobody knows, so all may.
 */
export const evictedOverviews: Migration = {
  async up(db) {
    await sql`alter table segments add column has_overview integer not null default 1`.execute(db);
    await sql`create index segments_with_overview on segments (kept_from_ms, id)
      where evicted_ms is not null and has_overview = 1`.execute(db);
  },
};
