import type { FinishedSegment, SegmentFileKind } from "../kernel/finished-segment.ts";
import type { ResumePoint } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { Annotations } from "./annotations.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import type { DeliveryQueue } from "./delivery-queue.ts";
import type { EventLog } from "./event-log.ts";
import type { LocalFiles, RetentionQueue } from "./retention-queue.ts";
import type { UploadQueue } from "./upload-queue.ts";

/** A nibble order with the way it was found. [P-1.5] */
export type NibbleVerdict = NonNullable<Sidecar["nibble_order"]>;

/** What earlier streams of a device told about it. */
export interface KnownDevice {
  readonly hwid: string;
  readonly nibbleOrder: NibbleVerdict["order"];
  readonly nibbleSource: NibbleVerdict["source"];
}

/** A row of the list of segments. */
export interface CatalogSegment {
  readonly id: number;
  readonly session: string;
  readonly index: number;
  readonly hwid: string | null;
  readonly streamId: number;
  /** File name without ending. */
  readonly name: string;
  /** Folder relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** ms since 1970. */
  readonly startMs: number;
  /** ms since 1970. */
  readonly endMs: number;
  /** Per channel on the time line, gaps included. */
  readonly sampleCount: number;
  /** Per channel, missing. */
  readonly gapSampleCount: number;
  /** `null` when the levels are not known. */
  readonly peakDbfs: number | null;
  /** When the local `.bin` and `.wav` were deleted, ms since 1970; `null` while they stand on disk. */
  readonly evictedMs: number | null;
}

/** Which segments {@link Catalog.segments} lists. */
export interface SegmentFilter {
  readonly hwid?: string;
  readonly session?: string;
  /** Most rows to give. */
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: Pick<CatalogSegment, "startMs" | "id">;
}

/** Which session a segment belongs to. */
export interface SegmentSession {
  readonly session: string;
  /** True for a session of `eet.v1+ack`. [P-2] */
  readonly isAcked: boolean;
}

/** A session that has no end in the catalogue. */
export interface OpenSession {
  readonly session: string;
  readonly isAcked: boolean;
  /** Last sign of life that is known, ms since 1970. */
  readonly lastActiveMs: number;
}

/** Numbers of rows. */
export interface CatalogCounts {
  readonly devices: number;
  readonly sessions: number;
  readonly segments: number;
}

/** How {@link Catalog.addSegment} queues uploads. */
export interface AddSegmentOptions {
  /** True for segments found later (recovery, a repaired folder): they wait behind live ones. */
  readonly isBackfill: boolean;
}

/**
 * What is known about devices, sessions and segments, the queue of uploads, and the log of events. Derived: it is
 * rebuilt from the sidecars, but for what these do not tell, which `eet reindex` takes over. [S-1.2] Methods reject with a `StorageError` when the database fails, and with code
 * `SHUTTING_DOWN` once it is closed.
 */
export interface Catalog extends LocalFiles {
  readonly uploads: UploadQueue;
  readonly reader: CatalogReader;
  readonly events: EventLog;
  readonly deliveries: DeliveryQueue;
  readonly annotations: Annotations;
  readonly retention: RetentionQueue;
  /**
   * Takes up a finished segment and queues the upload of the given kinds (`wav` only where the segment has one).
   * Its `.bin` stands on disk. Adding the same segment again updates it; an upload whose file is unchanged stays as it is (but a failed one
   * becomes due at once), one whose file changed is replaced by a fresh pending one.
   *
   * Writes of a short window share one transaction; the promise resolves after the commit. At most 100 writes wait: the
   * call that brings the 100th commits them all before it returns, so the caller is slowed down, nothing is dropped.
   */
  addSegment(segment: FinishedSegment, uploads: readonly SegmentFileKind[], options: AddSegmentOptions): Promise<void>;
  /**
   * Notes when a session ended: of several ends the latest counts. A session of which no segment was added is not known
   * and stays so.
   */
  endSession(session: string, endedMs: number): Promise<void>;
  /** Sessions without an end in the order of their names, at most `limit` behind `after` (empty: from the first). */
  openSessions(after: string, limit: number): Promise<readonly OpenSession[]>;
  /** Takes back that a session ended: it goes on. [P-2.4] */
  resumeSession(session: string): Promise<void>;
  /**
   * Where an acknowledged session goes on, its `profile` left empty; `undefined` for a plain session and one of which
   * nothing is known. Sees the segments whose `addSegment` has resolved. [P-2.7]
   */
  resumePoint(session: string): Promise<ResumePoint | undefined>;
  /**
   * Unwrapped seq before which every frame of an acknowledged session that was taken up stands verified in the object
   * store; `undefined` when no segment of it is known. One look at an index, however long the session. [P-2.1]
   */
  uploadedNext(session: string): Promise<number | undefined>;
  /** The session of a segment, by the segment's id; `undefined` when there is no such segment. */
  sessionOfSegment(segmentId: number): Promise<SegmentSession | undefined>;
  /** The devices whose nibble order an earlier stream told, for the cache of P-1.5. */
  deviceProfiles(): Promise<readonly KnownDevice[]>;
  /**
   * Verdict of the latest segment of the session before `beforeIndex` that was decided by its own frames (`exact` or
   * `statistical`). Sees the segments whose `addSegment` has resolved.
   */
  nibbleOrderOfSession(session: string, beforeIndex: number): Promise<NibbleVerdict | undefined>;
  /** Segments by start time, oldest first. */
  segments(filter: SegmentFilter): Promise<readonly CatalogSegment[]>;
  /** Counts by walking an index: for tools, not for every request. */
  counts(): Promise<CatalogCounts>;
  /**
   * Looks whether it can be read and, when the last commit failed, whether it can be written again.
   *
   * @throws StorageError that says what fails
   */
  probe(): Promise<void>;
  /** Commits what waits, checkpoints and closes the file. Idempotent. */
  close(): Promise<void>;
}
