import type { Database } from "better-sqlite3";
import type { CatalogCounts } from "./catalog.ts";

/** Rows of the tables that `Catalog.counts` tells of. */
export function countRows(sqlite: Database): CatalogCounts {
  const counts = sqlite.prepare<[], CatalogCounts>(`SELECT
    (SELECT count(*) FROM devices) AS devices,
    (SELECT count(*) FROM sessions) AS sessions,
    (SELECT count(*) FROM segments) AS segments`);
  return counts.get() as CatalogCounts;
}
