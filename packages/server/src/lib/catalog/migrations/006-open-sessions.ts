import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Sessions without an end, which are few: those that a kill left are looked for at every start. */
export const openSessions: Migration = {
  async up(db) {
    await sql`create index sessions_open on sessions (session) where ended_ms is null`.execute(db);
  },
};
