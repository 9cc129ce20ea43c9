import type { EventType, NewEvent, ServerEvent } from "../kernel/server-event.ts";

/** Which events {@link EventLog.read} gives. */
export interface EventFilter {
  /** Ids above it; 0 for all. */
  readonly afterId: number;
  readonly limit: number;
  /** Default: all. */
  readonly types?: readonly EventType[];
  readonly hwid?: string;
}

/** A device that is online by the log. */
export interface OnlineSince {
  readonly hwid: string;
  /** ms since 1970. */
  readonly sinceMs: number;
}

/**
 * The ordered log of what happened, a table of the catalogue. Events of segments and sessions are written in the
 * transaction that catalogues them: `segment.closed`, `gap.detected`, `session.started` by `addSegment` (the first time
 * only, whatever is derived again), `segment.stored` when the last upload of a segment is verified, `session.ended` and
 * `session.resumed` with the session's row, `segment.deleted` with the deletion.
 *
 * Ids grow and never come again, but not by one: a log begins at the wall clock (ms since 1970) and skips to it whenever
 * the catalogue is opened, so that neither a power cut nor a lost catalogue leads back to ids that receivers have seen.
 */
export interface EventLog {
  /** Writes events that come with no other change of the catalogue. @returns after the commit */
  append(events: readonly NewEvent[]): Promise<void>;
  /** In order of their ids. */
  read(filter: EventFilter): Promise<readonly ServerEvent[]>;
  /** Devices whose newest event of presence is `device.online`, however old, and since when they are. */
  onlineDevices(): Promise<readonly OnlineSince[]>;
  /** Id of the newest event; when there is none, one below what the next event gets at least. */
  readonly lastId: number;
  /** Id of the oldest event that is still kept; `lastId + 1` when there is none. */
  readonly firstId: number;
  /** Told after each commit that brought events. @returns unsubscribes */
  subscribe(onAppended: (lastId: number) => void): () => void;
  /** Deletes events from before `beforeMs`, in slices, except those that a delivery still waits for. @returns how many */
  prune(beforeMs: number): Promise<number>;
}
