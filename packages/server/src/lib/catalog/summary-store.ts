import type { Database, Statement } from "better-sqlite3";
import { RollUpStore } from "./roll-up-store.ts";
import type { GapSpan, SegmentSpan } from "./roll-ups.ts";
import { openSizeClass, sizeClass } from "./size-class.ts";

/** A segment as far as totals and roll-ups count it. */
export interface SegmentSummary extends SegmentSpan {
  readonly id: number;
  /** hwid, '' for none. */
  readonly device: string;
  readonly streamId: number;
  readonly session: string;
  readonly index: number;
  readonly endSample: number;
  readonly gapSampleCount: number;
  readonly gapMs: number;
  readonly bytes: number;
  readonly driftPpm: number | null;
}

/** Columns of a {@link SegmentSummary} of `segments` joined with `sessions`, all but the gaps. */
export const summarySql = `
  segments.id, coalesce(segments.hwid, '') AS device, segments.stream_id AS streamId, segments.session,
  segments.idx AS "index", segments.start_ms AS startMs, segments.end_ms AS endMs, peak_dbfs AS peakDbfs,
  rms_dbfs AS rmsDbfs, clipped_samples AS clippedSampleCount, start_sample + samples AS endSample,
  segments.gap_samples AS gapSampleCount, segments.gap_samples * 1000.0 / sample_rate_hz AS gapMs,
  bin_bytes + coalesce(wav_bytes, 0) AS bytes, segments.drift_ppm AS driftPpm`;

/** Gaps of one segment as {@link GapSpan}s. */
export const gapSpansSql =
  "SELECT start_ms AS startMs, duration_ms AS durationMs, cause FROM gaps WHERE segment_id = ? ORDER BY idx";

interface SessionExtent {
  readonly session: string;
  readonly device: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly endedMs: number | null;
  readonly sizeClass: number;
  readonly segments: number;
  readonly acked: 0 | 1;
}

interface Signed {
  readonly device: string;
  readonly sign: 1 | -1;
  readonly mediaMs: number;
  readonly gapMs: number;
  readonly bytes: number;
  readonly startMs: number;
  readonly endMs: number;
}

interface SignedSession {
  readonly session: string;
  readonly sign: 1 | -1;
  readonly gapSampleCount: number;
}

type Extension = Pick<SegmentSummary, "session" | "endSample" | "endMs" | "driftPpm" | "index">;

interface Statements {
  readonly summary: Statement<[id: number], Omit<SegmentSummary, "gaps">>;
  readonly gaps: Statement<[segmentId: number], GapSpan>;
  readonly countDevice: Statement<[Signed]>;
  readonly countSessions: Statement<[device: string, sessions: number]>;
  readonly seeStream: Statement<[lastSeenMs: number, device: string, streamId: number]>;
  readonly addStream: Statement<[device: string, streamId: number, lastSeenMs: number]>;
  readonly countSession: Statement<[SignedSession]>;
  readonly extendSession: Statement<[Extension]>;
  readonly growSession: Statement<[Extension & Pick<SegmentSummary, "gapSampleCount">], SessionExtent>;
  readonly shrinkSession: Statement<[session: string]>;
  readonly extent: Statement<[session: string], SessionExtent>;
  readonly setSizeClass: Statement<[sizeClass: number, session: string]>;
  readonly dropSession: Statement<[session: string]>;
}

const extensionSql = `
  end_sample = max(end_sample, @endSample), end_ms = max(coalesce(end_ms, @endMs), @endMs),
  drift_ppm = iif(@driftPpm IS NOT NULL AND @index >= coalesce(drift_idx, 0), @driftPpm, drift_ppm),
  drift_idx = iif(@driftPpm IS NOT NULL AND @index >= coalesce(drift_idx, 0), @index, drift_idx)`;

/** Columns of a {@link SessionExtent}. */
const extentSql = `
  session, coalesce(hwid, '') AS device, start_ms AS startMs, coalesce(end_ms, start_ms) AS endMs, ended_ms AS endedMs,
  size_class AS sizeClass, segments, acked`;

function prepare(sqlite: Database): Statements {
  return {
    // `+?` here and there: SQLite prepares a join anew each time a parameter changes that its planner has looked at.
    summary: sqlite.prepare(`SELECT ${summarySql} FROM segments JOIN sessions USING (session) WHERE segments.id = +?`),
    gaps: sqlite.prepare(gapSpansSql),
    countDevice: sqlite.prepare(`
      INSERT INTO device_totals (device, sessions, segments, media_ms, gap_ms, bytes, longest_ms, first_ms, last_ms)
      VALUES (@device, 0, @sign, @mediaMs, @gapMs, @bytes, @endMs - @startMs, @startMs, @endMs)
      ON CONFLICT (device) DO UPDATE SET segments = segments + @sign,
        media_ms = max(0.0, media_ms + excluded.media_ms), gap_ms = max(0.0, gap_ms + excluded.gap_ms),
        bytes = bytes + excluded.bytes, longest_ms = max(longest_ms, excluded.longest_ms),
        first_ms = min(coalesce(first_ms, excluded.first_ms), excluded.first_ms),
        last_ms = max(coalesce(last_ms, excluded.last_ms), excluded.last_ms)`),
    countSessions: sqlite.prepare(`
      INSERT INTO device_totals (device, sessions) VALUES (?, ?)
      ON CONFLICT (device) DO UPDATE SET sessions = sessions + excluded.sessions`),
    seeStream: sqlite.prepare(`
      UPDATE device_streams SET last_seen_ms = max(last_seen_ms, ?) WHERE device = ? AND stream_id = ?`),
    addStream: sqlite.prepare("INSERT INTO device_streams (device, stream_id, last_seen_ms) VALUES (?, ?, ?)"),
    countSession: sqlite.prepare(`
      UPDATE sessions SET segments = segments + @sign, gap_samples = gap_samples + @gapSampleCount
      WHERE session = @session`),
    extendSession: sqlite.prepare(`UPDATE sessions SET ${extensionSql} WHERE session = @session`),
    growSession: sqlite.prepare(`
      UPDATE sessions SET segments = segments + 1, gap_samples = gap_samples + @gapSampleCount, ${extensionSql}
      WHERE session = @session RETURNING ${extentSql}`),
    shrinkSession: sqlite.prepare(`
      UPDATE sessions SET (end_sample, end_ms) = (
        SELECT coalesce(max(start_sample + samples), 0), max(end_ms) FROM (
          SELECT start_sample, samples, end_ms FROM segments INDEXED BY segments_in_session
          WHERE session = sessions.session ORDER BY start_ms DESC LIMIT 1))
      WHERE session = ?`),
    extent: sqlite.prepare(`SELECT ${extentSql} FROM sessions WHERE session = ?`),
    setSizeClass: sqlite.prepare("UPDATE sessions SET size_class = ? WHERE session = ?"),
    dropSession: sqlite.prepare("DELETE FROM sessions WHERE session = ?"),
  };
}

/**
 * Keeps what would take too long to add up when it is asked for: totals of devices and sessions, and the roll-ups of time
 * lines. Each method belongs inside the transaction of the change.
 */
export class SummaryStore {
  readonly #statements: Statements;
  readonly #rollUps: RollUpStore;

  constructor(sqlite: Database) {
    this.#statements = prepare(sqlite);
    this.#rollUps = new RollUpStore(sqlite);
  }

  /** The segment as it is counted now; `undefined` when there is none. */
  read(segmentId: number): SegmentSummary | undefined {
    const row = this.#statements.summary.get(segmentId);
    return row && { ...row, gaps: row.gapSampleCount > 0 ? this.#statements.gaps.all(segmentId) : [] };
  }

  /** Counts a segment that is new. */
  noteNew(summary: Omit<SegmentSummary, "id">): void {
    const { session, device, streamId, startMs, endMs, gapMs, bytes } = summary;
    const { endSample, driftPpm, index, gapSampleCount } = summary;
    this.#statements.countDevice.run({ device, sign: 1, mediaMs: endMs - startMs, gapMs, bytes, startMs, endMs });
    this.#see(summary);
    const extent = this.#statements.growSession.get({ session, endSample, endMs, driftPpm, index, gapSampleCount });
    this.#rollUps.add({ ...summary, device, streamId });
    if (extent !== undefined) this.#followSize(extent);
  }

  /** Counts a segment that has changed. @param before - as it was counted until now */
  noteChanged(before: SegmentSummary): void {
    const summary = this.read(before.id);
    if (summary === undefined) return;
    this.#count(before, -1);
    this.#count(summary, 1);
    this.#see(summary);
    const { session, endSample, endMs, driftPpm, index } = summary;
    this.#statements.extendSession.run({ session, endSample, endMs, driftPpm, index });
    this.#rollUps.recompute([before, summary]);
    this.noteSession(session);
  }

  /** Takes segments out whose rows are gone. */
  noteDeleted(summaries: readonly SegmentSummary[]): void {
    for (const summary of summaries) this.#count(summary, -1);
    this.#rollUps.recompute(summaries);
    for (const session of new Set(summaries.map((summary) => summary.session))) this.#shrinkSession(session);
  }

  /** Counts a session that is new. */
  noteNewSession(hwid: string | null): void {
    this.#statements.countSessions.run(hwid ?? "", 1);
  }

  /** Follows what a change of the session's end means for the index by its length. */
  noteSession(session: string): void {
    const extent = this.#statements.extent.get(session);
    if (extent !== undefined) this.#followSize(extent);
  }

  #followSize(extent: SessionExtent): void {
    const now = extent.endedMs === null ? openSizeClass : sizeClass(extent.endMs - extent.startMs);
    if (now !== extent.sizeClass) this.#statements.setSizeClass.run(now, extent.session);
  }

  #see({ device, streamId, endMs }: Omit<SegmentSummary, "id">): void {
    if (this.#statements.seeStream.run(endMs, device, streamId).changes > 0) return;
    this.#statements.addStream.run(device, streamId, endMs);
  }

  #count({ device, session, startMs, endMs, gapMs, bytes, gapSampleCount }: SegmentSummary, sign: 1 | -1): void {
    const mediaMs = endMs - startMs;
    const signed = { mediaMs: sign * mediaMs, gapMs: sign * gapMs, bytes: sign * bytes };
    this.#statements.countDevice.run({ device, sign, ...signed, startMs, endMs });
    this.#statements.countSession.run({ session, sign, gapSampleCount: sign * gapSampleCount });
  }

  #shrinkSession(session: string): void {
    const extent = this.#statements.extent.get(session);
    if (extent === undefined) return;
    if (extent.segments === 0 && extent.endedMs !== null && extent.acked === 0) {
      // Nobody goes on with it, and nothing of it is left.
      this.#statements.dropSession.run(session);
      this.#statements.countSessions.run(extent.device, -1);
      return;
    }
    this.#statements.shrinkSession.run(session);
    this.noteSession(session);
  }
}
