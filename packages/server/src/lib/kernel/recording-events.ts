import type { ClosedSegment, SegmentOpening, SessionRecord } from "./segment-record.ts";

/**
 * Everything the ingest side tells the serving side: plain and serialisable, so that a process boundary can stand
 * between them.
 */
export type RecordingEvent =
  | { readonly type: "session.opened"; readonly session: SessionRecord }
  /** A session that had ended goes on. [P-2.4] */
  | { readonly type: "session.resumed"; readonly session: SessionRecord }
  | { readonly type: "segment.opened"; readonly opening: SegmentOpening }
  | { readonly type: "segment.closed"; readonly segment: ClosedSegment }
  | { readonly type: "session.closed"; readonly session: SessionRecord; readonly endedMs: number }
  /** The process that recorded it is gone: what it left is recovered, and the session goes on or ends from there. */
  | { readonly type: "session.lost"; readonly session: SessionRecord }
  /** The device's clock is so far off that the sample rate it declares can hardly be the true one. */
  | { readonly type: "drift.suspicious"; readonly session: SessionRecord; readonly driftPpm: number }
  | { readonly type: "storage.failed"; readonly code: string; readonly message: string }
  /** Frames of a segment could not be made durable; its file is left open for the next start. */
  | { readonly type: "storage.gave-up"; readonly opening: SegmentOpening; readonly unsyncedBytes: number };

/** Takes the events in order; must not throw and must not block. */
export type RecordingListener = (event: RecordingEvent) => void;
