import type { Database, Statement } from "better-sqlite3";
import type { Insertable } from "kysely";
import { type FinishedSegment, type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import type { DevicesTable, Flag, GapsTable, SegmentsTable, SessionsTable } from "./schema.ts";
import { deviceRow, gapRows, segmentRow, sessionRow } from "./segment-rows.ts";

/** How a segment's uploads are queued. */
export interface UploadOrder {
  readonly kinds: readonly SegmentFileKind[];
  readonly isBackfill: boolean;
  /** ms since 1970. */
  readonly queuedMs: number;
}

interface UploadRow {
  readonly segment_id: number;
  readonly kind: SegmentFileKind;
  readonly bytes: number;
  readonly sha256: string;
  readonly is_backfill: Flag;
  readonly queued_ms: number;
}

interface Statements {
  readonly addDevice: Statement<[Insertable<DevicesTable>]>;
  readonly noteNibbleOrder: Statement<[Insertable<DevicesTable>]>;
  readonly addSession: Statement<[Insertable<SessionsTable>]>;
  readonly addSegment: Statement<[Insertable<SegmentsTable>], number>;
  readonly dropGaps: Statement<[segmentId: number]>;
  readonly addGap: Statement<[Insertable<GapsTable>]>;
  readonly dropReplacedUpload: Statement<[{ segment_id: number; kind: SegmentFileKind; sha256: string | null }]>;
  readonly addUpload: Statement<[UploadRow]>;
  readonly endSession: Statement<[endedMs: number, session: string]>;
}

const segmentColumns = [
  ...["session", "idx", "hwid", "stream_id", "name", "folder", "start_ms", "end_ms", "start_sample", "samples"],
  ...["wav_samples", "frames", "duplicates", "first_seq", "last_seq", "nibble_order", "nibble_source", "gap_samples"],
  ...["peak_dbfs", "rms_dbfs", "silent_share", "clipped_samples", "bin_bytes", "bin_sha256", "wav_bytes", "wav_sha256"],
  ...["json_bytes", "json_sha256", "recovered", "close_reason"],
];

// Every device's every segment passes here: prepared once, which takes an eighth of the time of building the queries.
function prepare(sqlite: Database): Statements {
  return {
    addDevice: sqlite.prepare(`
      INSERT INTO devices (hwid, first_seen_ms, last_seen_ms) VALUES (@hwid, @first_seen_ms, @last_seen_ms)
      ON CONFLICT (hwid) DO UPDATE SET
        first_seen_ms = min(first_seen_ms, excluded.first_seen_ms),
        last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`),
    // The newest verdict counts, in whatever order segments come: a device may get another encoder.
    noteNibbleOrder: sqlite.prepare(`
      UPDATE devices SET
        nibble_order = @nibble_order, nibble_source = @nibble_source, nibble_seen_ms = @nibble_seen_ms
      WHERE hwid = @hwid AND (nibble_seen_ms IS NULL OR nibble_seen_ms <= @nibble_seen_ms)`),
    addSession: sqlite.prepare(`
      INSERT INTO sessions (session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms,
        start_rule, device_start_ms, server_start_ms, ended_ms)
      VALUES (@session, @hwid, @stream_id, @codec, @sample_rate_hz, @channels, @frame_samples, @start_ms,
        @start_rule, @device_start_ms, @server_start_ms, @ended_ms)
      ON CONFLICT (session) DO UPDATE SET ended_ms = coalesce(ended_ms, excluded.ended_ms)`),
    addSegment: sqlite
      .prepare<[Insertable<SegmentsTable>], number>(`
      INSERT INTO segments (${segmentColumns.join()})
      VALUES (${segmentColumns.map((column) => `@${column}`).join()})
      ON CONFLICT (session, idx) DO UPDATE SET evicted_ms = NULL,
        ${segmentColumns.map((column) => `${column} = excluded.${column}`).join()}
      RETURNING id`)
      .pluck(),
    dropGaps: sqlite.prepare("DELETE FROM gaps WHERE segment_id = ?"),
    addGap: sqlite.prepare(`
      INSERT INTO gaps (segment_id, idx, from_seq, to_seq, start_sample, sample_count, cause, start_ms)
      VALUES (@segment_id, @idx, @from_seq, @to_seq, @start_sample, @sample_count, @cause, @start_ms)`),
    dropReplacedUpload: sqlite.prepare(`
      DELETE FROM uploads WHERE segment_id = @segment_id AND kind = @kind AND sha256 IS NOT @sha256`),
    addUpload: sqlite.prepare(`
      INSERT INTO uploads (segment_id, kind, bytes, sha256, state, is_backfill, next_try_ms, queued_ms)
      VALUES (@segment_id, @kind, @bytes, @sha256, 'pending', @is_backfill, @queued_ms, @queued_ms)
      ON CONFLICT (segment_id, kind) DO UPDATE SET state = 'pending', next_try_ms = queued_ms
      WHERE state = 'failed'`),
    endSession: sqlite.prepare("UPDATE sessions SET ended_ms = ? WHERE session = ?"),
  };
}

/** Writes devices, sessions, segments and what they queue. Each method belongs inside a transaction of the caller's. */
export class SegmentStore {
  readonly #statements: Statements;

  constructor(sqlite: Database) {
    this.#statements = prepare(sqlite);
  }

  /** Adds the segment or updates it, see `Catalog.addSegment`. */
  addSegment(segment: FinishedSegment, order: UploadOrder): void {
    const { sidecar } = segment;
    const { addDevice, noteNibbleOrder, addSession, addSegment, dropGaps, addGap } = this.#statements;
    const device = deviceRow(sidecar);
    if (device !== undefined) {
      addDevice.run(device);
      if (device.nibble_order !== null) noteNibbleOrder.run(device);
    }
    addSession.run(sessionRow(sidecar));
    const segmentId = addSegment.get(segmentRow(segment));
    if (segmentId === undefined) throw new Error("an upsert of a segment gave no id");
    dropGaps.run(segmentId);
    for (const gap of gapRows(segmentId, sidecar)) addGap.run(gap);
    this.#queueUploads(segmentId, segment, order);
  }

  /** See `Catalog.endSession`. */
  endSession(session: string, endedMs: number): void {
    this.#statements.endSession.run(endedMs, session);
  }

  #queueUploads(segmentId: number, segment: FinishedSegment, order: UploadOrder): void {
    const { bin, wav } = segment.sidecar.files;
    const filesByKind = { bin, wav, json: { bytes: segment.sidecarBytes, sha256: segment.sidecarSha256 } };
    const { dropReplacedUpload, addUpload } = this.#statements;
    for (const kind of segmentFileKinds) {
      const file = filesByKind[kind];
      // What the store holds under this key is no longer the file: queued again whether asked for or not, else
      // `areAllStored` would speak of other bytes than those on disk. [S-4.4]
      const dropped = dropReplacedUpload.run({ segment_id: segmentId, kind, sha256: file?.sha256 ?? null });
      if (file === null || (dropped.changes === 0 && !order.kinds.includes(kind))) continue;
      addUpload.run({
        segment_id: segmentId,
        kind,
        bytes: file.bytes,
        sha256: file.sha256,
        is_backfill: order.isBackfill ? 1 : 0,
        queued_ms: order.queuedMs,
      });
    }
  }
}
