import type { Database, Statement } from "better-sqlite3";
import type { Selectable } from "kysely";
import type { ResumePoint, SessionRecord } from "../kernel/segment-record.ts";
import type { OpenSession, SegmentSession } from "./catalog.ts";
import type { Flag, SegmentsTable, SessionsTable } from "./schema.ts";

type SessionRow = Selectable<SessionsTable>;
type LastSegment = Pick<Selectable<SegmentsTable>, "id" | "start_sample" | "samples" | "frames" | "last_seq">;

/**
 * Asked at reconnects and at each stored segment, of sessions that may have lasted for months among millions of segments:
 * each is one look at an index, or one at the few gaps of a segment.
 */
export const resumeQueries = {
  session: "SELECT * FROM sessions WHERE session = ? AND acked = 1",
  lastSegment: `
    SELECT id, start_sample, samples, frames, last_seq FROM segments INDEXED BY segments_by_seq
    WHERE session = ? AND acked = 1 ORDER BY last_seq DESC LIMIT 1`,
  maxIndex: "SELECT max(idx) FROM segments WHERE session = ?",
  // A gap in front of the segment lies outside of it.
  gapSamplesInside: "SELECT total(sample_count) FROM gaps WHERE segment_id = ? AND start_sample >= ?",
  firstNotStored: `
    SELECT min(first_seq) FROM segments INDEXED BY segments_to_store
    WHERE session = ? AND acked = 1 AND is_stored = 0`,
  maxLastSeq: "SELECT max(last_seq) FROM segments INDEXED BY segments_by_seq WHERE session = ? AND acked = 1",
  sessionOfSegment: "SELECT session, acked FROM segments WHERE id = ?",
} as const;

// At every start. The last segment is looked at where no time of receipt was ever noted.
const openSessionsQuery = `
    SELECT session, acked, last_active_ms,
      (SELECT end_ms FROM segments WHERE segments.session = sessions.session ORDER BY idx DESC LIMIT 1) AS end_ms
    FROM sessions INDEXED BY sessions_open WHERE ended_ms IS NULL AND session > ? ORDER BY session LIMIT ?`;

interface Statements {
  readonly session: Statement<[session: string], SessionRow>;
  readonly lastSegment: Statement<[session: string], LastSegment>;
  readonly maxIndex: Statement<[session: string], number | null>;
  readonly gapSamplesInside: Statement<[segmentId: number, startSample: number], number>;
  readonly firstNotStored: Statement<[session: string], number | null>;
  readonly maxLastSeq: Statement<[session: string], number | null>;
  readonly sessionOfSegment: Statement<[segmentId: number], { readonly session: string; readonly acked: Flag }>;
  readonly openSessions: Statement<[after: string, limit: number], OpenSessionRow>;
}

type OpenSessionRow = Pick<SessionRow, "session" | "acked" | "last_active_ms"> & { readonly end_ms: number | null };

function prepare(sqlite: Database): Statements {
  const pluck = <P extends unknown[], R>(sql: string) => sqlite.prepare<P, R>(sql).pluck();
  return {
    session: sqlite.prepare(resumeQueries.session),
    lastSegment: sqlite.prepare(resumeQueries.lastSegment),
    maxIndex: pluck(resumeQueries.maxIndex),
    gapSamplesInside: pluck(resumeQueries.gapSamplesInside),
    firstNotStored: pluck(resumeQueries.firstNotStored),
    maxLastSeq: pluck(resumeQueries.maxLastSeq),
    sessionOfSegment: sqlite.prepare(resumeQueries.sessionOfSegment),
    openSessions: sqlite.prepare(openSessionsQuery),
  };
}

/** Where acknowledged sessions stand: what to resume them from, and how far they are uploaded. [P-2.7] */
export class ResumeStore {
  readonly #statements: Statements;

  constructor(sqlite: Database) {
    this.#statements = prepare(sqlite);
  }

  /** See `Catalog.resumePoint`. */
  resumePoint(session: string): ResumePoint | undefined {
    const row = this.#statements.session.get(session);
    const last = this.#statements.lastSegment.get(session);
    if (row === undefined) return undefined;
    const deleted = deletedTail(row);
    const next = deleted?.next ?? { seq: -1, sample: 0 };
    if (last === undefined && deleted === undefined) return undefined;
    return {
      record: recordOf(row),
      next:
        last === undefined || next.seq > last.last_seq + 1
          ? next
          : { seq: last.last_seq + 1, sample: last.start_sample + last.samples },
      // A segment that replaced a file which failed may come late by its index and early by its frames.
      nextIndex: Math.max((this.#statements.maxIndex.get(session) ?? -1) + 1, deleted?.nextIndex ?? 0),
      lastFrameSampleCount:
        row.frame_samples > 0 || last === undefined ? row.frame_samples : this.#averageFrameSampleCount(last),
      lastActiveMs: row.last_active_ms,
    };
  }

  /** See `Catalog.openSessions`. */
  openSessions(after: string, limit: number): readonly OpenSession[] {
    return this.#statements.openSessions.all(after, limit).map(({ session, acked, last_active_ms, end_ms }) => ({
      session,
      isAcked: acked === 1,
      lastActiveMs: last_active_ms > 0 ? last_active_ms : (end_ms ?? 0),
    }));
  }

  /** See `Catalog.uploadedNext`. */
  uploadedNext(session: string): number | undefined {
    const { firstNotStored, maxLastSeq } = this.#statements;
    const notStored = firstNotStored.get(session) ?? null;
    if (notStored !== null) return notStored;
    const last = maxLastSeq.get(session) ?? null;
    // Nobody waits for what was deleted.
    const deletedNext = this.#statements.session.get(session)?.deleted_next_seq ?? null;
    return last === null ? (deletedNext ?? undefined) : Math.max(last + 1, deletedNext ?? 0);
  }

  /** See `Catalog.sessionOfSegment`. */
  sessionOfSegment(segmentId: number): SegmentSession | undefined {
    const row = this.#statements.sessionOfSegment.get(segmentId);
    return row === undefined ? undefined : { session: row.session, isAcked: row.acked === 1 };
  }

  #averageFrameSampleCount({ id, start_sample, samples, frames }: LastSegment): number {
    const gapSamples = this.#statements.gapSamplesInside.get(id, start_sample) ?? 0;
    return Math.round((samples - gapSamples) / frames);
  }
}

/** Where the session stood when its last segments were deleted. */
function deletedTail(row: SessionRow): Pick<ResumePoint, "next" | "nextIndex"> | undefined {
  const { deleted_next_seq: seq, deleted_next_sample: sample, deleted_next_index: nextIndex } = row;
  return seq === null || sample === null || nextIndex === null ? undefined : { next: { seq, sample }, nextIndex };
}

function recordOf(row: SessionRow): SessionRecord {
  return {
    session: row.session,
    hwid: row.hwid,
    streamId: row.stream_id,
    format: {
      codec: row.codec,
      sampleRateHz: row.sample_rate_hz,
      channels: row.channels,
      frameSampleCount: row.frame_samples,
    },
    start: {
      startMs: row.start_ms,
      rule: row.start_rule,
      deviceMs: row.device_start_ms,
      serverMs: row.server_start_ms,
      warning: row.start_warning,
    },
    profile: {},
    isAcked: true,
  };
}
