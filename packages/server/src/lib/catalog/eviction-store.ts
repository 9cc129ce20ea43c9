import type { Database, Statement } from "better-sqlite3";
import type { EvictableFilter, EvictableSegment, OverviewPlace } from "./retention-queue.ts";
import type { Flag } from "./schema.ts";

/** A command that has not run after so long does not hold local files any more. */
const awaitedForMs = 86_400_000;

/** Whether a segment's command waits; `@sinceMs` is {@link awaitedSinceMs}. */
export const isAwaitedSql = `EXISTS (
  SELECT 1 FROM awaited_segments WHERE segment_id = segments.id AND event_ms > @sinceMs)`;

/** Commands for what was told before it are waited for no longer. */
export function awaitedSinceMs(nowMs: number): number {
  return nowMs - awaitedForMs;
}

interface PageParameters {
  readonly keptFromMs: number;
  readonly id: number;
  readonly limit: number;
  readonly sinceMs: number;
}

type Row = Omit<EvictableSegment, "isAwaited"> & { readonly isAwaited: Flag };

/** Which segments need their local files no more, and which have none. [S-2.5] */
export class EvictionStore {
  readonly #evictable: Statement<[PageParameters], Row>;
  readonly #mark: Statement<[evictedMs: number, id: number]>;
  readonly #overviews: Statement<[limit: number], OverviewPlace>;
  readonly #markOverview: Statement<[isThere: Flag, id: number]>;
  readonly #nowMs: () => number;

  constructor(sqlite: Database, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#evictable = sqlite.prepare(`
      SELECT id, name, folder, bin_bytes + coalesce(wav_bytes, 0) AS bytes, kept_from_ms AS keptFromMs,
        ${isAwaitedSql} AS isAwaited
      FROM segments INDEXED BY segments_to_evict
      WHERE is_stored = 1 AND evicted_ms IS NULL AND kept_from_ms >= @keptFromMs
        AND (kept_from_ms, id) > (@keptFromMs, @id)
      ORDER BY kept_from_ms, id LIMIT @limit`);
    this.#overviews = sqlite.prepare(`
      SELECT id, name, folder FROM segments INDEXED BY segments_with_overview
      WHERE evicted_ms IS NOT NULL AND has_overview = 1 ORDER BY kept_from_ms, id LIMIT ?`);
    this.#markOverview = sqlite.prepare("UPDATE segments SET has_overview = ? WHERE id = ?");
    this.#mark = sqlite.prepare("UPDATE segments SET evicted_ms = ? WHERE id = ?");
  }

  /** See `Catalog.evictableSegments`. */
  evictable({ limit, after }: EvictableFilter): readonly EvictableSegment[] {
    const { keptFromMs, id } = after ?? { keptFromMs: -Number.MAX_VALUE, id: 0 };
    const rows = this.#evictable.all({ keptFromMs, id, limit, sinceMs: awaitedSinceMs(this.#nowMs()) });
    return rows.map((row) => ({ ...row, isAwaited: row.isAwaited === 1 }));
  }

  /** See `Catalog.markEvicted`; belongs inside a transaction of the caller's. */
  mark(ids: readonly number[], evictedMs: number): void {
    for (const id of ids) this.#mark.run(evictedMs, id);
  }

  /** See `Catalog.evictedOverviews`. */
  overviews(limit: number): readonly OverviewPlace[] {
    return this.#overviews.all(limit);
  }

  /** See `Catalog.markOverviews`; belongs inside a transaction of the caller's. */
  markOverviews(ids: readonly number[], isThere: boolean): void {
    for (const id of ids) this.#markOverview.run(isThere ? 1 : 0, id);
  }
}
