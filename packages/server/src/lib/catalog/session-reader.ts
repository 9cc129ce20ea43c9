import type { Database, Statement } from "better-sqlite3";
import type { Page, SessionRow, TimeFilter, TimeKey } from "./catalog-reader.ts";
import { pageOf } from "./page.ts";
import type { Flag } from "./schema.ts";
import { longestOfClassMs, maxSizeClass, openSizeClass } from "./size-class.ts";
import { StatementCache } from "./statement-cache.ts";

/** Rows of an index that one class of lengths looks at for a page at most. */
const scanLimit = 2_000;

interface SessionColumns extends Omit<SessionRow, "format" | "isAcked"> {
  readonly codec: SessionRow["format"]["codec"];
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly frameSampleCount: number;
  readonly isAcked: Flag;
}

interface Candidate {
  readonly startMs: number;
  readonly id: string;
  readonly endMs: number | null;
  readonly sizeClass: number;
  readonly streamId: number;
}

const sessionSql = `
  SELECT session, hwid, stream_id AS streamId, codec, sample_rate_hz AS sampleRateHz, channels,
    frame_samples AS frameSampleCount, start_ms AS startMs, start_rule AS startRule, start_warning AS startWarning,
    ended_ms AS endedMs, acked AS isAcked, segments AS segmentCount, end_sample AS sampleCount,
    gap_samples AS gapSampleCount, drift_ppm AS driftPpm
  FROM sessions WHERE session = ?`;

function toSession({ codec, sampleRateHz, channels, frameSampleCount, ...row }: SessionColumns): SessionRow {
  return { ...row, format: { codec, sampleRateHz, channels, frameSampleCount }, isAcked: row.isAcked === 1 };
}

/**
 * Reads sessions. Their lengths differ from seconds to months, so they are looked up class by class of length: what of a
 * class reaches into a range begins at most its longest before the range.
 */
export class SessionReader {
  readonly #one: Statement<[session: string], SessionColumns>;
  readonly #cache: StatementCache;

  constructor(sqlite: Database) {
    this.#one = sqlite.prepare(sessionSql);
    this.#cache = new StatementCache(sqlite);
  }

  /** See `CatalogReader.session`. */
  session(session: string): SessionRow | undefined {
    const row = this.#one.get(session);
    return row && toSession(row);
  }

  /** See `CatalogReader.sessions`. */
  sessions(filter: TimeFilter): Page<SessionRow, TimeKey> {
    const { limit, fromMs, streamId } = filter;
    const classes = [...Array.from({ length: maxSizeClass + 1 }, (_, at) => at), openSizeClass];
    const scans = classes.map((sizeClass) => this.#scan(filter, sizeClass));
    const sign = filter.order === "desc" ? -1 : 1;
    const compare = (a: Candidate | TimeKey, b: Candidate | TimeKey) =>
      sign * (a.startMs - b.startMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    // Beyond the end of a scan that was cut off there may be others: the page ends there.
    const cuts = scans.filter((rows) => rows.length === scanLimit).map((rows) => rows[scanLimit - 1] as Candidate);
    const end = cuts.sort(compare)[0];
    const found = scans
      .flat()
      .filter((row) => streamId === undefined || row.streamId === streamId)
      .filter((row) => fromMs === undefined || row.sizeClass === openSizeClass || (row.endMs ?? row.startMs) > fromMs)
      .filter((row) => end === undefined || compare(row, end) <= 0)
      .sort(compare);
    const page = pageOf(found, limit, ({ startMs, id }): TimeKey => ({ startMs, id }));
    const rows = page.rows.map(({ id }) => this.session(id)).filter((row) => row !== undefined);
    const next = page.next ?? (end === undefined ? undefined : { startMs: end.startMs, id: end.id });
    return { rows, next };
  }

  /** Those of a class that may reach into the range, in order. */
  #scan({ hwid, fromMs, toMs, after, order, limit, streamId }: TimeFilter, sizeClass: number): Candidate[] {
    const isDown = order === "desc";
    const conditions = ["size_class = @sizeClass"];
    if (hwid !== undefined) conditions.push("hwid IS @hwid");
    if (fromMs !== undefined && sizeClass !== openSizeClass) conditions.push("start_ms >= @lowMs");
    if (toMs !== undefined) conditions.push("start_ms < @toMs");
    if (after !== undefined) conditions.push(`(start_ms, session) ${isDown ? "<" : ">"} (@afterMs, @afterId)`);
    const direction = isDown ? "DESC" : "ASC";
    // Without a condition that takes rows away again, what a page needs is all that is looked at.
    const isSparse = fromMs !== undefined || streamId !== undefined;
    return this.#cache.all<Candidate>(
      `SELECT start_ms AS startMs, session AS id, end_ms AS endMs, size_class AS sizeClass, stream_id AS streamId
       FROM sessions INDEXED BY ${hwid === undefined ? "sessions_by_size_and_time" : "sessions_by_size"}
       WHERE ${conditions.join(" AND ")} ORDER BY start_ms ${direction}, session ${direction} LIMIT @scan`,
      {
        ...{ sizeClass, hwid: hwid ?? null, toMs: toMs ?? null },
        ...{ afterMs: after?.startMs ?? null, afterId: String(after?.id) },
        lowMs: (fromMs ?? 0) - longestOfClassMs(sizeClass),
        scan: isSparse ? scanLimit : Math.min(limit + 1, scanLimit),
      },
    );
  }
}
