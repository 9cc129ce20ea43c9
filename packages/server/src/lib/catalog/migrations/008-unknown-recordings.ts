import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Has a row when the catalogue was made beside recordings that it does not know: the one before it was lost. */
export const unknownRecordings: Migration = {
  async up(db) {
    await sql`create table unknown_recordings (noted_ms real not null) strict`.execute(db);
  },
};
