import type { Page } from "./catalog-reader.ts";

/** Rows of a page at most, whatever is asked for. */
export const maxPageRowCount = 1000;

/**
 * The page that more rows than it takes begin with.
 *
 * @param rows - one more than `limit` when there are more
 */
export function pageOf<Row, Key>(rows: readonly Row[], limit: number, keyOf: (row: Row) => Key): Page<Row, Key> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next: rows.length > limit && last !== undefined ? keyOf(last) : undefined };
}
