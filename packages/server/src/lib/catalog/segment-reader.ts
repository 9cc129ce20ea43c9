import type { Database, Statement } from "better-sqlite3";
import type {
  GapRow,
  Page,
  SegmentDetails,
  SegmentPlace,
  SegmentRow,
  SegmentsFilter,
  SegmentUpload,
  TimeKey,
} from "./catalog-reader.ts";
import { pageOf } from "./page.ts";
import {
  type SegmentPlaceColumns,
  type SegmentRowColumns,
  segmentPlaceSql,
  segmentRowSql,
  toSegmentPlace,
  toSegmentRow,
} from "./segment-row.ts";
import { StatementCache } from "./statement-cache.ts";

/** Entries of an index that are looked at for one page at most, when the index alone tells which fit. */
const indexScanLimit = 20_000;

/** The same when each entry's row must be read. */
const rowScanLimit = 2_000;

/** How a page is looked for. */
interface Scan {
  readonly index: string;
  /** Conditions that the index answers. */
  readonly conditions: readonly string[];
  /** Conditions on what the index gives, with the columns that they need. */
  readonly rest: readonly string[];
  readonly columns: readonly string[];
  /** True when the rest takes more than the index. */
  readonly readsRows: boolean;
}

interface FileColumns {
  readonly binBytes: number;
  readonly binSha256: string;
  readonly wavBytes: number | null;
  readonly wavSha256: string | null;
  readonly jsonBytes: number;
  readonly jsonSha256: string;
}

/** A gap as callers get it, of `gaps` joined with `segments`. */
export const gapRowSql = `
  segments.session, gaps.segment_id AS segmentId, gaps.stream_id AS streamId, gaps.start_ms AS startMs,
  gaps.duration_ms AS durationMs, gaps.cause, gaps.from_seq AS fromSeq, gaps.to_seq AS toSeq,
  gaps.start_sample AS startSample, gaps.sample_count AS sampleCount`;

/** Literal conditions, so that SQLite sees which index of a few segments applies. */
const waitingStates = { pending: 2, uploading: 3, failed: 4 } as const;

/** Reads segments. */
export class SegmentReader {
  readonly #cache: StatementCache;
  readonly #row: Statement<[id: number], SegmentRowColumns>;
  readonly #place: Statement<[id: number], SegmentPlaceColumns>;
  readonly #files: Statement<[id: number], FileColumns>;
  readonly #uploads: Statement<[id: number], SegmentUpload>;
  readonly #gaps: Statement<[id: number], GapRow>;
  readonly #longest: Statement<[device: string], number>;
  readonly #longestOfAll: Statement<[], number | null>;
  readonly #at: Statement<[{ session: string; fromSample: number; toSample: number; limit: number }], number>;

  constructor(sqlite: Database) {
    this.#cache = new StatementCache(sqlite);
    this.#row = sqlite.prepare(
      `SELECT ${segmentRowSql} FROM segments JOIN sessions USING (session) WHERE segments.id = +?`,
    );
    this.#place = sqlite.prepare(
      `SELECT ${segmentPlaceSql} FROM segments JOIN sessions USING (session) WHERE segments.id = +?`,
    );
    this.#files = sqlite.prepare(`
      SELECT bin_bytes AS binBytes, bin_sha256 AS binSha256, wav_bytes AS wavBytes, wav_sha256 AS wavSha256,
        json_bytes AS jsonBytes, json_sha256 AS jsonSha256 FROM segments WHERE id = ?`);
    this.#uploads = sqlite.prepare(`
      SELECT kind, state, attempts, reason, key, stored_ms AS storedMs FROM uploads WHERE segment_id = ? ORDER BY id`);
    this.#gaps = sqlite.prepare(`
      SELECT ${gapRowSql} FROM gaps JOIN segments ON segments.id = segment_id WHERE segment_id = ?
      ORDER BY gaps.start_ms, gaps.idx`);
    this.#longest = sqlite.prepare<[string], number>("SELECT longest_ms FROM device_totals WHERE device = ?").pluck();
    this.#longestOfAll = sqlite.prepare<[], number | null>("SELECT max(longest_ms) FROM device_totals").pluck();
    // The segment that holds `fromSample` is the last one that starts half a millisecond before it, or the next one:
    // times are rounded, positions are not.
    this.#at = sqlite
      .prepare<[{ session: string; fromSample: number; toSample: number; limit: number }], number>(`
        WITH range AS (
          SELECT session, start_ms + @fromSample * 1000.0 / sample_rate_hz - 0.5 AS from_ms,
            start_ms + @toSample * 1000.0 / sample_rate_hz + 0.5 AS to_ms
          FROM sessions WHERE session = @session)
        SELECT segments.id FROM range CROSS JOIN segments INDEXED BY segments_in_session USING (session)
        WHERE segments.start_ms >= (
            SELECT coalesce(max(start_ms), -1e300) FROM segments AS earlier INDEXED BY segments_in_session
            WHERE earlier.session = @session AND earlier.start_ms <= range.from_ms)
          AND segments.start_ms < range.to_ms
          AND start_sample < @toSample AND start_sample + samples > @fromSample
        ORDER BY segments.start_ms, segments.id LIMIT @limit`)
      .pluck();
  }

  /** See `CatalogReader.segment`. */
  segment(id: number): SegmentDetails | undefined {
    const row = this.#row.get(id);
    const files = this.#files.get(id);
    if (row === undefined || files === undefined) return undefined;
    const { binBytes, binSha256, wavBytes, wavSha256, jsonBytes, jsonSha256 } = files;
    return {
      ...toSegmentRow(row),
      files: [
        { kind: "bin", bytes: binBytes, sha256: binSha256 },
        ...(wavBytes === null || wavSha256 === null
          ? []
          : [{ kind: "wav", bytes: wavBytes, sha256: wavSha256 } as const]),
        { kind: "json", bytes: jsonBytes, sha256: jsonSha256 },
      ],
      uploads: this.#uploads.all(id),
      gaps: this.#gaps.all(id),
    };
  }

  /** See `CatalogReader.gapsOf`. */
  gapsOf(segmentIds: readonly number[]): readonly GapRow[] {
    return segmentIds.flatMap((id) => this.#gaps.all(id)).sort((a, b) => a.startMs - b.startMs);
  }

  /** See `CatalogReader.segmentsAt`. */
  segmentsAt(
    session: string,
    range: { readonly fromSample: number; readonly toSample: number; readonly limit: number },
  ): readonly SegmentPlace[] {
    return this.#places(this.#at.all({ session, ...range }));
  }

  /** See `CatalogReader.segments`. */
  segments(filter: SegmentsFilter): Page<SegmentRow, TimeKey> {
    const { ids, next } = this.#find(filter);
    return {
      rows: ids
        .map((id) => this.#row.get(id))
        .filter((row) => row !== undefined)
        .map(toSegmentRow),
      next,
    };
  }

  /** See `CatalogReader.segmentPlaces`. */
  segmentPlaces(filter: SegmentsFilter): Page<SegmentPlace, TimeKey> {
    const { ids, next } = this.#find(filter);
    return { rows: this.#places(ids), next };
  }

  /** Ids of the segments of a page. */
  #find(filter: SegmentsFilter): { readonly ids: readonly number[]; readonly next: TimeKey | undefined } {
    const { hwid, session, limit, after, fromMs, toMs, streamId } = filter;
    const scan = chooseScan(filter);
    const direction = filter.order === "desc" ? "DESC" : "ASC";
    const scanned = `SELECT ${["start_ms AS startMs", "id AS segmentId", ...scan.columns].join(", ")}
      FROM segments INDEXED BY ${scan.index} WHERE ${scan.conditions.join(" AND ")}
      ORDER BY start_ms ${direction}, id ${direction} LIMIT @scan`;
    const rest = scan.rest.length === 0 ? "" : `WHERE ${scan.rest.join(" AND ")}`;
    const longestMs = this.longestMs(hwid);
    const parameters = {
      ...{ hwid: hwid ?? null, session: session ?? null, streamId: streamId ?? null, toMs: toMs ?? null },
      ...{ fromMs: fromMs ?? null, lowMs: (fromMs ?? 0) - longestMs },
      ...{ afterMs: after?.startMs ?? null, afterId: Number(after?.id) },
      ...{ scan: scan.readsRows ? rowScanLimit : indexScanLimit, limit: limit + 1 },
    };
    const found = this.#cache.all<TimeKey & { id: number }>(
      `SELECT startMs, segmentId AS id FROM (${scanned}) ${rest} LIMIT @limit`,
      parameters,
    );
    const page = pageOf(found, limit, ({ startMs, id }): TimeKey => ({ startMs, id }));
    const ids = page.rows.map(({ id }) => id);
    if (page.next !== undefined || scan.rest.length === 0) return { ids, next: page.next };
    // Less than a page: the index is at its end, or the scan was cut off there.
    const [end] = this.#cache.all<TimeKey>(
      `SELECT startMs, segmentId AS id FROM (${scanned}) LIMIT 1 OFFSET @scan - 1`,
      parameters,
    );
    return { ids, next: end };
  }

  /** Length of the longest segment of a device, of all when it is not given. */
  longestMs(hwid: string | null | undefined): number {
    return (hwid === undefined ? this.#longestOfAll.get() : this.#longest.get(hwid ?? "")) ?? 0;
  }

  #places(ids: readonly number[]): SegmentPlace[] {
    return ids
      .map((id) => this.#place.get(id))
      .filter((row) => row !== undefined)
      .map(toSegmentPlace);
  }
}

/** The index that leaves least to look at. */
function chooseScan(filter: SegmentsFilter): Scan {
  const { session, uploadState, hasGaps, isRecovered, hwid, fromMs, toMs, after, order } = filter;
  const base = chooseIndex(filter);
  const rest: string[] = [];
  const columns: string[] = [];
  const check = (isNeeded: boolean, column: string, condition: string) => {
    if (!isNeeded) return;
    columns.push(column);
    rest.push(condition);
  };
  check(fromMs !== undefined, "end_ms", "end_ms > @fromMs");
  check(filter.streamId !== undefined, "stream_id", "stream_id = @streamId");
  const restOfIndexCount = rest.length;
  check(session !== undefined && base.index !== "segments_in_session", "session", "session = @session");
  check(session !== undefined && hwid !== undefined && base.index === "segments_in_session", "hwid", "hwid IS @hwid");
  check(hasGaps !== undefined && base.by !== "gaps", "gap_samples", `(gap_samples > 0) = ${hasGaps ? 1 : 0}`);
  check(isRecovered !== undefined && base.by !== "recovered", "recovered", `recovered = ${isRecovered ? 1 : 0}`);
  if (uploadState === "pending" || uploadState === "uploading" || uploadState === "failed") {
    check(base.by !== "upload", "upload_state", `upload_state = ${waitingStates[uploadState]}`);
  } else if (uploadState !== undefined) {
    const exists = "EXISTS (SELECT 1 FROM uploads WHERE uploads.segment_id = segmentId)";
    check(true, "upload_state", `upload_state = 0 AND ${uploadState === "none" ? "NOT " : ""}${exists}`);
  }
  const conditions = [...base.conditions];
  if (fromMs !== undefined) conditions.push("start_ms >= @lowMs");
  if (toMs !== undefined) conditions.push("start_ms < @toMs");
  const isDown = order === "desc";
  if (after !== undefined) {
    conditions.push(
      `start_ms ${isDown ? "<=" : ">="} @afterMs`,
      `(start_ms, id) ${isDown ? "<" : ">"} (@afterMs, @afterId)`,
    );
  }
  const coversStream = base.by === "time" && base.index !== "segments_in_session";
  const readsRows = rest.length > (coversStream ? restOfIndexCount : 0);
  return { index: base.index, conditions: conditions.length === 0 ? ["true"] : conditions, rest, columns, readsRows };
}

interface BaseIndex {
  readonly index: string;
  readonly by: "upload" | "recovered" | "gaps" | "time";
  readonly conditions: readonly string[];
}

function chooseIndex({ hwid, session, uploadState, hasGaps, isRecovered }: SegmentsFilter): BaseIndex {
  const ofDevice = hwid === undefined ? [] : ["hwid IS @hwid"];
  const name = (ofOne: string, ofAll: string) => (hwid === undefined ? ofAll : ofOne);
  if (session !== undefined) {
    return { index: "segments_in_session", by: "time", conditions: ["session = @session"] };
  }
  if (uploadState === "pending" || uploadState === "uploading" || uploadState === "failed") {
    return {
      index: name("segments_by_upload", "segments_by_upload_and_time"),
      by: "upload",
      conditions: [`upload_state = ${waitingStates[uploadState]}`, ...ofDevice],
    };
  }
  if (isRecovered === true) {
    const index = name("segments_recovered", "segments_recovered_by_time");
    return { index, by: "recovered", conditions: ["recovered = 1", ...ofDevice] };
  }
  if (hasGaps === true) {
    const index = name("segments_with_gaps", "segments_with_gaps_by_time");
    return { index, by: "gaps", conditions: ["gap_samples > 0", ...ofDevice] };
  }
  return { index: name("segments_by_device", "segments_by_time"), by: "time", conditions: ofDevice };
}
