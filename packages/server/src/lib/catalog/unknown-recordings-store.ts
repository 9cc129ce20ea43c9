import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";

const isNewSql = "SELECT last_id = 0 AND NOT EXISTS (SELECT 1 FROM segments) FROM segment_ids";
const isNotedSql = "SELECT EXISTS (SELECT 1 FROM unknown_recordings)";

/**
 * Notes when a catalogue without any segment stands beside recordings: it is new, and the one before it was lost. Nobody
 * knows which ids that one gave, so those of new segments begin at the clock. What is noted lasts until a reindex.
 *
 * @param hasRecordings - whether there are finished segments; asked of a catalogue that never had one
 * @param nowMs - wall clock, ms since 1970
 * @returns whether there are recordings that the catalogue does not know
 */
export async function noteUnknownRecordings(
  { path, sqlite }: CatalogFile,
  hasRecordings: () => Promise<boolean>,
  nowMs: number,
): Promise<boolean> {
  const ask = (sql: string) => withCatalogErrors(path, () => sqlite.prepare<[], number>(sql).pluck().get() === 1);
  if (ask(isNotedSql)) return true;
  if (!ask(isNewSql) || !(await hasRecordings())) return false;
  withCatalogErrors(path, () =>
    sqlite.transaction(() => {
      sqlite.prepare("UPDATE segment_ids SET last_id = ?").run(Math.floor(nowMs));
      sqlite.prepare("INSERT INTO unknown_recordings (noted_ms) VALUES (?)").run(nowMs);
    })(),
  );
  return true;
}
