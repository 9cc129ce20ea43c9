import type { Insertable, Selectable } from "kysely";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { NewEvent } from "../kernel/server-event.ts";
import type { GapsTable, SegmentsTable, SessionsTable } from "./schema.ts";

/** Gaps of one segment that get an event of their own; one more tells how many others there are. */
const maxGapEventCount = 100;

/** Times of the sidecar's that no calendar has are told by the nearest one that it has. */
const maxTimeMs = 8.64e15;

type Segment = Insertable<SegmentsTable>;
type Session = Pick<
  Selectable<SessionsTable>,
  "session" | "hwid" | "stream_id" | "codec" | "sample_rate_hz" | "channels" | "start_ms" | "start_rule"
>;

/** What a catalogued segment tells. Field names stand as on the wire. */
export interface SegmentFacts {
  readonly id: number;
  readonly segment: Segment;
  readonly session: Session;
  readonly gaps: readonly Insertable<GapsTable>[];
  /** Closed after a crash, or found later than it was recorded. */
  readonly isRecovered: boolean;
}

function isoTime(ms: number): string {
  return new Date(Math.max(-maxTimeMs, Math.min(maxTimeMs, ms))).toISOString();
}

function identity(id: number, segment: Pick<Segment, "name" | "folder" | "session" | "idx" | "stream_id">) {
  const { name, folder, session, idx, stream_id } = segment;
  return { segment_id: id, name, folder, session, index: idx, stream_id };
}

function file(bytes: number | null | undefined, sha256: string | null | undefined) {
  return bytes == null || sha256 == null ? null : { bytes, sha256 };
}

function segmentClosed({ id, segment, session, gaps, isRecovered }: SegmentFacts): NewEvent {
  const levels = {
    peak_dbfs: segment.peak_dbfs,
    rms_dbfs: segment.rms_dbfs,
    clipped_samples: segment.clipped_samples,
    silent_share: segment.silent_share,
    dc_offset: segment.dc_offset ?? null,
  };
  return {
    type: "segment.closed",
    hwid: segment.hwid ?? null,
    data: {
      ...identity(id, segment),
      start_time: isoTime(segment.start_ms),
      end_time: isoTime(segment.end_ms),
      start_sample: segment.start_sample,
      samples: segment.samples,
      sample_rate_hz: session.sample_rate_hz,
      channels: session.channels,
      codec: session.codec,
      gaps: gaps.length,
      gap_samples: countInside(segment, gaps),
      drift_ppm: segment.drift_ppm ?? null,
      levels: segment.peak_dbfs == null ? null : levels,
      files: {
        bin: file(segment.bin_bytes, segment.bin_sha256),
        wav: file(segment.wav_bytes, segment.wav_sha256),
        json: file(segment.json_bytes, segment.json_sha256),
      },
      recovered: isRecovered,
      close_reason: segment.close_reason,
    },
  };
}

/** Samples per channel that are missing within the segment: the gap in front of it is not part of it. */
function countInside(segment: Segment, gaps: readonly Insertable<GapsTable>[]): number {
  return gaps.filter((gap) => gap.start_sample >= segment.start_sample).reduce((sum, gap) => sum + gap.sample_count, 0);
}

function gapDetected(facts: SegmentFacts, gap: Insertable<GapsTable>): NewEvent {
  const { id, segment, session, isRecovered } = facts;
  return {
    type: "gap.detected",
    hwid: segment.hwid ?? null,
    data: {
      ...identity(id, segment),
      start_time: isoTime(gap.start_ms),
      duration_ms: (gap.sample_count / session.sample_rate_hz) * 1000,
      start_sample: gap.start_sample,
      samples: gap.sample_count,
      from_seq: gap.from_seq,
      to_seq: gap.to_seq,
      cause: gap.cause,
      recovered: isRecovered,
    },
  };
}

/** Events of a segment that is new to the catalogue: that it is closed, and its gaps. */
export function segmentEvents(facts: SegmentFacts): NewEvent[] {
  const { id, segment, gaps, isRecovered } = facts;
  const told = gaps.slice(0, maxGapEventCount).map((gap) => gapDetected(facts, gap));
  const rest = gaps.slice(maxGapEventCount);
  const more: NewEvent = {
    type: "gap.detected",
    hwid: segment.hwid ?? null,
    data: {
      ...identity(id, segment),
      more: rest.length,
      samples: rest.reduce((sum, gap) => sum + gap.sample_count, 0),
      recovered: isRecovered,
    },
  };
  return [segmentClosed(facts), ...told, ...(rest.length > 0 ? [more] : [])];
}

/** Event of a session that is new to the catalogue. */
export function sessionStarted(session: Session & { readonly acked?: 0 | 1 | undefined }): NewEvent {
  return {
    type: "session.started",
    hwid: session.hwid,
    data: {
      session: session.session,
      stream_id: session.stream_id,
      start_time: isoTime(session.start_ms),
      start_rule: session.start_rule,
      codec: session.codec,
      sample_rate_hz: session.sample_rate_hz,
      channels: session.channels,
      acked: session.acked === 1,
    },
  };
}

/** Event of a session that nobody sends any more. */
export function sessionEnded(
  { session, hwid, stream_id, start_ms }: Pick<Session, "session" | "hwid" | "stream_id" | "start_ms">,
  endedMs: number,
): NewEvent {
  return {
    type: "session.ended",
    hwid,
    data: { session, stream_id, start_time: isoTime(start_ms), ended_time: isoTime(endedMs) },
  };
}

/** Event of an acknowledged session that had ended and goes on. [P-2.4] */
export function sessionResumed({
  session,
  hwid,
  stream_id,
  start_ms,
}: Pick<Session, "session" | "hwid" | "stream_id" | "start_ms">): NewEvent {
  return { type: "session.resumed", hwid, data: { session, stream_id, start_time: isoTime(start_ms) } };
}

type StoredSegment = Pick<
  Selectable<SegmentsTable>,
  "id" | "hwid" | "name" | "folder" | "session" | "idx" | "stream_id" | "start_ms" | "end_ms"
>;

/** Event of a segment of which all that was queued stands verified in the object store. */
export function segmentStored(
  segment: StoredSegment,
  objects: readonly { kind: SegmentFileKind; key: string | null; bytes: number; sha256: string }[],
): NewEvent {
  return {
    type: "segment.stored",
    hwid: segment.hwid,
    data: {
      ...identity(segment.id, segment),
      start_time: isoTime(segment.start_ms),
      end_time: isoTime(segment.end_ms),
      objects: Object.fromEntries(objects.map(({ kind, ...object }) => [kind, object])),
    },
  };
}

/** Event of a segment that is taken out of the catalogue; its files and objects follow. */
export function segmentDeleted(segment: StoredSegment, reason: string): NewEvent {
  return {
    type: "segment.deleted",
    hwid: segment.hwid,
    data: {
      ...identity(segment.id, segment),
      start_time: isoTime(segment.start_ms),
      end_time: isoTime(segment.end_ms),
      reason,
    },
  };
}
