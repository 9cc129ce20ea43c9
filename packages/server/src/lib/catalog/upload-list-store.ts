import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database, Statement } from "better-sqlite3";
import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import { pageOf } from "./page.ts";
import type {
  RetryFilter,
  UploadFailureGroup,
  UploadList,
  UploadPlace,
  WaitingFilter,
  WaitingState,
  WaitingUpload,
} from "./upload-list.ts";

interface PlaceParameters {
  readonly code: string;
  readonly isBackfill: number;
  readonly nextTryMs: number;
  readonly id: number;
  readonly limit: number;
}

type Row = Omit<WaitingUpload, "fileName" | "state"> & { readonly name: string; readonly isBackfill: number };

interface Statements {
  readonly byState: Readonly<Record<WaitingState, Statement<[PlaceParameters], Row>>>;
  readonly byCode: Statement<[PlaceParameters], Row>;
  readonly groups: Statement<[], Omit<UploadFailureGroup, "reason">>;
  readonly reason: Statement<[code: string, nextTryMs: number], string>;
  readonly makeDue: Statement<[{ readonly id: number; readonly nowMs: number }]>;
}

/** Before every upload. */
const first: UploadPlace = [0, Number.MIN_SAFE_INTEGER, 0];
/** Failed uploads that are counted at most: some 20 ms. */
const maxCountedCount = 100_000;
/** Uploads that one slice of `retry` makes due: a few milliseconds. */
const sliceCount = 500;

const columns = `
  uploads.id, segment_id AS segmentId, kind, name, hwid, bytes, attempts, queued_ms AS queuedMs,
  next_try_ms AS nextTryMs, error_code AS errorCode, reason, is_backfill AS isBackfill`;

// States stand in the text: only so does SQLite see that the indexes of what is not stored apply.
function prepareByState(sqlite: Database, state: WaitingState): Statement<[PlaceParameters], Row> {
  return sqlite.prepare(`
    SELECT ${columns} FROM uploads INDEXED BY uploads_to_claim JOIN segments ON segments.id = segment_id
    WHERE state = '${state}' AND (is_backfill, next_try_ms, uploads.id) > (@isBackfill, @nextTryMs, @id)
    ORDER BY is_backfill, next_try_ms, uploads.id LIMIT @limit`);
}

function prepare(sqlite: Database): Statements {
  return {
    byState: {
      pending: prepareByState(sqlite, "pending"),
      uploading: prepareByState(sqlite, "uploading"),
      failed: prepareByState(sqlite, "failed"),
    },
    byCode: sqlite.prepare(`
      SELECT ${columns} FROM uploads INDEXED BY uploads_failed JOIN segments ON segments.id = segment_id
      WHERE state = 'failed' AND error_code = @code AND (next_try_ms, uploads.id) > (@nextTryMs, @id)
      ORDER BY next_try_ms, uploads.id LIMIT @limit`),
    groups: sqlite.prepare(`
      SELECT error_code AS code, count(*) AS fileCount, sum(bytes) AS bytes, min(queued_ms) AS oldestMs,
        min(next_try_ms) AS nextTryMs
      FROM (SELECT error_code, bytes, queued_ms, next_try_ms FROM uploads INDEXED BY uploads_failed
        WHERE state = 'failed' AND error_code IS NOT NULL LIMIT ${maxCountedCount})
      GROUP BY error_code ORDER BY fileCount DESC, code`),
    reason: sqlite
      .prepare<[string, number], string>(`
        SELECT coalesce(reason, '') FROM uploads INDEXED BY uploads_failed
        WHERE state = 'failed' AND error_code = ? AND next_try_ms = ? LIMIT 1`)
      .pluck(),
    makeDue: sqlite.prepare(`
      UPDATE uploads SET next_try_ms = @nowMs WHERE id = @id AND state = 'failed' AND next_try_ms > @nowMs`),
  };
}

/** See {@link UploadList}. */
export class UploadListStore implements UploadList {
  readonly #file: CatalogFile;
  readonly #nowMs: () => number;
  readonly #statements: Statements;
  readonly #makeDue: (ids: readonly number[]) => number;

  constructor(file: CatalogFile, nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
    this.#statements = prepare(file.sqlite);
    this.#makeDue = file.sqlite.transaction((ids: readonly number[]) =>
      ids.reduce((sum, id) => sum + this.#statements.makeDue.run({ id, nowMs: this.#nowMs() }).changes, 0),
    ).immediate;
  }

  page({ state, code, limit, after = first }: WaitingFilter): ReturnType<UploadList["page"]> {
    const { byState, byCode } = this.#statements;
    const [isBackfill, nextTryMs, id] = after;
    const find = code === undefined ? byState[state] : byCode;
    const found = this.#run(() => find.all({ code: code ?? "", isBackfill, nextTryMs, id, limit: limit + 1 }));
    const { rows, next } = pageOf(found, limit, (row): UploadPlace => [row.isBackfill, row.nextTryMs, row.id]);
    return { rows: rows.map((row) => toUpload(row, state)), next };
  }

  failures(): readonly UploadFailureGroup[] {
    const { groups, reason } = this.#statements;
    return this.#run(() =>
      groups.all().map((group) => ({ ...group, reason: reason.get(group.code, group.nextTryMs) ?? "" })),
    );
  }

  async retry({ ids, code }: RetryFilter): Promise<number> {
    if (ids !== undefined) return this.#run(() => this.#makeDue(ids));
    let count = 0;
    for (let after: UploadPlace | undefined; ; ) {
      const filter = { state: "failed", limit: sliceCount, ...(code !== undefined && { code }) } as const;
      const { rows, next } = this.page({ ...filter, ...(after && { after }) });
      count += this.#run(() => this.#makeDue(rows.map(({ id }) => id)));
      if (next === undefined) return count;
      after = next;
      await nextTurn();
      // Closed meanwhile: the rest is tried when its time comes.
      if (!this.#file.sqlite.open) return count;
    }
  }

  #run<T>(work: () => T): T {
    return withCatalogErrors(this.#file.path, work);
  }
}

function toUpload({ name, isBackfill: _isBackfill, ...row }: Row, state: WaitingState): WaitingUpload {
  return { ...row, fileName: `${name}.${row.kind}`, state };
}
