import type { FinishedSegment, SegmentFileKind } from "../kernel/finished-segment.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
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

/** A segment whose local `.bin` and `.wav` may go. */
export interface EvictableSegment {
  readonly id: number;
  /** File name without ending. */
  readonly name: string;
  /** Folder relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** Of the `.bin` and the `.wav`. */
  readonly bytes: number;
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
 * What is known about devices, sessions and segments, and the queue of uploads. Derived: all but the states of uploads
 * is rebuilt from the sidecars [S-1.2]. Methods reject with a `StorageError` when the database fails, and with code
 * `SHUTTING_DOWN` once it is closed.
 */
export interface Catalog {
  readonly uploads: UploadQueue;
  /**
   * Takes up a finished segment and queues the upload of the given kinds (`wav` only where the segment has one).
   * Its `.bin` stands on disk. Adding the same segment again updates it; an upload whose file is unchanged stays as it is (but a failed one
   * becomes due at once), one whose file changed is replaced by a fresh pending one.
   *
   * Writes of a short window share one transaction; the promise resolves after the commit. At most 200 writes wait: the
   * call that brings the 200th commits them all before it returns, so the caller is slowed down, nothing is dropped.
   */
  addSegment(segment: FinishedSegment, uploads: readonly SegmentFileKind[], options: AddSegmentOptions): Promise<void>;
  /** Notes when a session ended. A session of which no segment was added is not known and stays so. */
  endSession(session: string, endedMs: number): Promise<void>;
  /** The devices whose nibble order an earlier stream told, for the cache of P-1.5. */
  deviceProfiles(): Promise<readonly KnownDevice[]>;
  /**
   * Verdict of the latest segment of the session before `beforeIndex` that was decided by its own frames (`exact` or
   * `statistical`). Sees the segments whose `addSegment` has resolved.
   */
  nibbleOrderOfSession(session: string, beforeIndex: number): Promise<NibbleVerdict | undefined>;
  /** Segments by start time, oldest first. */
  segments(filter: SegmentFilter): Promise<readonly CatalogSegment[]>;
  /**
   * The oldest segments that are not evicted and whose `.bin`, sidecar and whatever else was queued all stand verified in
   * the object store. A segment whose `.bin` was never queued is never among them. [S-2.5] [S-4.4]
   */
  evictableSegments(limit: number): Promise<readonly EvictableSegment[]>;
  /** Notes that the local `.bin` and `.wav` of these segments are gone. {@link Catalog.addSegment} undoes it. */
  markEvicted(ids: readonly number[], evictedMs: number): Promise<void>;
  /** Counts by walking an index: for tools, not for every request. */
  counts(): Promise<CatalogCounts>;
  /** Commits what waits, checkpoints and closes the file. Idempotent. */
  close(): Promise<void>;
}
