import type { Database, Statement } from "better-sqlite3";
import type { EvictableSegment } from "./catalog.ts";

/** Which segments need their local files no more, and which have none. [S-2.5] */
export class EvictionStore {
  readonly #evictable: Statement<[limit: number], EvictableSegment>;
  readonly #mark: Statement<[evictedMs: number, id: number]>;

  constructor(sqlite: Database) {
    this.#evictable = sqlite.prepare(`
      SELECT id, name, folder, bin_bytes + coalesce(wav_bytes, 0) AS bytes
      FROM segments INDEXED BY segments_to_evict WHERE is_stored = 1 AND evicted_ms IS NULL
      ORDER BY start_ms, id LIMIT ?`);
    this.#mark = sqlite.prepare("UPDATE segments SET evicted_ms = ? WHERE id = ?");
  }

  /** See `Catalog.evictableSegments`. */
  evictable(limit: number): readonly EvictableSegment[] {
    return this.#evictable.all(limit);
  }

  /** See `Catalog.markEvicted`; belongs inside a transaction of the caller's. */
  mark(ids: readonly number[], evictedMs: number): void {
    for (const id of ids) this.#mark.run(evictedMs, id);
  }
}
