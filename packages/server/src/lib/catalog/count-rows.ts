import type { Kysely } from "kysely";
import type { CatalogCounts } from "./catalog.ts";
import type { CatalogSchema } from "./schema.ts";

/** Rows of the tables that `Catalog.counts` tells of. */
export function countRows(kysely: Kysely<CatalogSchema>): Promise<CatalogCounts> {
  return kysely
    .selectNoFrom(({ selectFrom, fn }) => [
      selectFrom("devices").select(fn.countAll<number>().as("rows")).$asScalar().$notNull().as("devices"),
      selectFrom("sessions").select(fn.countAll<number>().as("rows")).$asScalar().$notNull().as("sessions"),
      selectFrom("segments").select(fn.countAll<number>().as("rows")).$asScalar().$notNull().as("segments"),
    ])
    .executeTakeFirstOrThrow();
}
