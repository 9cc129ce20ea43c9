import type { Database, Statement } from "better-sqlite3";
import { withCatalogErrors } from "./catalog-error.ts";
import { awaitedSinceMs, isAwaitedSql } from "./eviction-store.ts";
import type {
  LocalFilter,
  LocalSegment,
  LocalTotals,
  LocalUsage,
  RecentBytes,
  RetentionQueue,
} from "./retention-queue.ts";
import type { Flag } from "./schema.ts";

/** Segments that {@link RetentionStore.recentBytes} adds up at most: a few milliseconds. */
const recentLimit = 5_000;
/** Where nothing was recorded for so long in front of the time asked for, recording began behind it. */
const pauseMs = 24 * 3_600_000;

/** What stands in the totals for what was recorded without an id. */
const noId = "";

interface PageParameters {
  readonly hwid: string | null;
  readonly isStored: Flag;
  readonly keptFromMs: number;
  readonly id: number;
  readonly limit: number;
  readonly sinceMs: number;
}

type SegmentRow = Omit<LocalSegment, "isStored" | "isQueued" | "isAwaited"> & {
  readonly isAwaited: Flag;
  readonly isStored: Flag;
  readonly isQueued: Flag;
};
type UsageRow = Omit<LocalUsage, "hwid"> & { readonly hwid: string };

interface Statements {
  readonly usage: Statement<[{ readonly from: string; readonly limit: number }], UsageRow>;
  readonly totals: Statement<[], LocalTotals>;
  readonly ofDevice: Statement<[PageParameters], SegmentRow>;
  readonly stored: Statement<[PageParameters], SegmentRow>;
  readonly localOnly: Statement<[PageParameters], SegmentRow>;
  readonly recent: Statement<
    [sinceMs: number, untilMs: number, limit: number],
    { bytes: number | null; sinceMs: number | null; count: number }
  >;
  readonly anyWithin: Statement<[fromMs: number, toMs: number], { found: Flag }>;
}

const columns = `id, name, folder, hwid, start_ms AS startMs, end_ms AS endMs, kept_from_ms AS keptFromMs,
  is_stored AS isStored, upload_state > 0 AS isQueued, ${isAwaitedSql} AS isAwaited,
  bin_bytes + coalesce(wav_bytes, 0) AS bytes`;

/** A page of an index. INDEXED BY: a query that would walk the table fails to prepare instead of growing slow with it. */
function page(index: string, condition: string): string {
  return `SELECT ${columns} FROM segments INDEXED BY ${index}
    WHERE evicted_ms IS NULL AND ${condition} AND kept_from_ms >= @keptFromMs
      AND (kept_from_ms, id) > (@keptFromMs, @id)
    ORDER BY kept_from_ms, id LIMIT @limit`;
}

function prepare(sqlite: Database): Statements {
  return {
    usage: sqlite.prepare(`
      SELECT hwid, segments AS segmentCount, local_segments AS localSegmentCount, local_bytes AS localBytes
      FROM local_totals WHERE hwid >= @from ORDER BY hwid LIMIT @limit`),
    totals: sqlite.prepare(`
      SELECT coalesce(sum(segments), 0) AS segmentCount, coalesce(sum(local_segments), 0) AS localSegmentCount,
        coalesce(sum(local_bytes), 0) AS localBytes
      FROM local_totals`),
    ofDevice: sqlite.prepare(page("segments_local", "hwid IS @hwid AND is_stored = @isStored")),
    stored: sqlite.prepare(page("segments_to_evict", "is_stored = 1")),
    localOnly: sqlite.prepare(page("segments_local_only", "is_stored = 0")),
    recent: sqlite.prepare(`
      SELECT sum(bytes) AS bytes, min(startMs) AS sinceMs, count(*) AS count FROM (
        SELECT bin_bytes + coalesce(wav_bytes, 0) AS bytes, start_ms AS startMs
        FROM segments INDEXED BY segments_by_time WHERE start_ms >= ? AND start_ms <= ?
        ORDER BY start_ms DESC LIMIT ?)`),
    anyWithin: sqlite.prepare(`
      SELECT EXISTS (
        SELECT 1 FROM segments INDEXED BY segments_by_time WHERE start_ms >= ? AND start_ms < ?) AS found`),
  };
}

/** What stands on the local disk, as the catalogue's file knows it. */
export class RetentionStore implements RetentionQueue {
  readonly #path: string;
  readonly #statements: Statements;
  readonly #nowMs: () => number;

  /** @param nowMs - wall time */
  constructor({ path, sqlite }: { readonly path: string; readonly sqlite: Database }, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#path = path;
    this.#statements = prepare(sqlite);
  }

  usage({ limit, after }: { readonly limit: number; readonly after?: string | null }): readonly LocalUsage[] {
    // Every id after it is greater than it with the least character behind.
    const from = after === undefined ? "" : `${after ?? noId}\u0001`;
    const rows = withCatalogErrors(this.#path, () => this.#statements.usage.all({ from, limit }));
    return rows.map((row) => ({ ...row, hwid: row.hwid === noId ? null : row.hwid }));
  }

  totals(): LocalTotals {
    const none = { segmentCount: 0, localSegmentCount: 0, localBytes: 0 };
    return withCatalogErrors(this.#path, () => this.#statements.totals.get()) ?? none;
  }

  localSegments({ hwid, isStored, limit, after }: LocalFilter): readonly LocalSegment[] {
    const { ofDevice, stored, localOnly } = this.#statements;
    const ofAll = isStored ? stored : localOnly;
    const statement = hwid === undefined ? ofAll : ofDevice;
    const { keptFromMs, id } = after ?? { keptFromMs: -Number.MAX_VALUE, id: 0 };
    const sinceMs = awaitedSinceMs(this.#nowMs());
    const parameters = { hwid: hwid ?? null, isStored: isStored ? 1 : 0, keptFromMs, id, limit, sinceMs } as const;
    const rows = withCatalogErrors(this.#path, () => statement.all(parameters));
    return rows.map((row) => ({ ...row, isStored, isQueued: row.isQueued === 1, isAwaited: row.isAwaited === 1 }));
  }

  recentBytes(sinceMs: number): RecentBytes {
    const { recent, anyWithin } = this.#statements;
    const found = withCatalogErrors(this.#path, () => recent.get(sinceMs, this.#nowMs(), recentLimit));
    const before = withCatalogErrors(this.#path, () => anyWithin.get(sinceMs - pauseMs, sinceMs));
    const isWhole = before?.found === 1 && (found?.count ?? 0) < recentLimit;
    return { bytes: found?.bytes ?? 0, sinceMs: isWhole ? sinceMs : (found?.sinceMs ?? sinceMs) };
  }
}
