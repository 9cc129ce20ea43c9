import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import type { UploadList } from "./upload-list.ts";

/**
 * State of an upload: `pending` waits its turn, `uploading` is claimed (some wait a moment for those before them), `stored` stands verified in the object store,
 * `failed` is tried again when its time comes. [S-4.1]
 */
export const uploadStates = ["pending", "uploading", "stored", "failed"] as const;

/** One of {@link uploadStates}. */
export type UploadState = (typeof uploadStates)[number];

/** A claimed upload with all that an uploader needs: the file, its checksum, and the facts for the object's metadata. */
export interface UploadTask {
  /** Stands for one content of one file: a file that is derived again with other bytes gets another id. */
  readonly id: number;
  readonly segmentId: number;
  readonly kind: SegmentFileKind;
  /** Folder relative to `data/received`, `/`-separated; empty for that folder itself. */
  readonly folder: string;
  /** Name with ending. */
  readonly fileName: string;
  readonly bytes: number;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly isBackfill: boolean;
  /** `null` when the device connected without an id. */
  readonly hwid: string | null;
  readonly session: string;
  /** Counts the session's segments from 0. */
  readonly index: number;
  readonly streamId: number;
  readonly codec: RecordFormat["codec"];
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Per channel on the time line, gaps included. */
  readonly sampleCount: number;
  /** Wall time of the segment's first sample, ms since 1970. */
  readonly startMs: number;
}

/** What the object store answered. */
export interface StoredObject {
  readonly key: string;
  readonly etag: string;
  /** When the object was verified, ms since 1970. */
  readonly storedMs: number;
}

/** An upload that the object store answered. */
export interface StoredUpload extends StoredObject {
  readonly id: number;
}

/** Why an attempt failed and when the next one is due. */
export interface UploadFailure {
  /** Code of the server's error table. */
  readonly code: string;
  readonly reason: string;
  /** ms since 1970. */
  readonly nextTryMs: number;
}

/** The queue at a glance. */
export interface UploadCounts {
  readonly pending: number;
  readonly uploading: number;
  readonly stored: number;
  readonly failed: number;
  /** When the oldest upload that is not stored was queued, ms since 1970; `undefined` when all are stored. */
  readonly oldestPendingMs: number | undefined;
  /** Bytes of all uploads that are not stored. */
  readonly pendingBytes: number;
}

/**
 * The durable queue of uploads, a table of the catalogue. [S-4.1] All but {@link UploadQueue.enqueueMissing} is
 * synchronous and done in about a millisecond, however long the queue is. Each method throws a `StorageError`
 * when the database fails.
 */
export interface UploadQueue {
  /** For people: what waits, what failed and why. */
  readonly list: UploadList;
  /**
   * Takes up to `limit` uploads and marks them `uploading`: pending ones, and failed ones whose time has come by
   * `nowMs`. Live segments come before back-fill; within each, the one that has been due for longest comes first.
   */
  claim(limit: number, nowMs: number): readonly UploadTask[];
  /**
   * Claimed > stored, in one transaction: all of them or, where it throws, none. Without effect on an upload that is no longer
   * claimed or whose file has been replaced since.
   */
  markStored(uploads: readonly StoredUpload[]): void;
  /** Claimed > failed, and counts the attempt. Without effect as for {@link UploadQueue.markStored}. */
  markFailed(id: number, failure: UploadFailure): void;
  /** Claimed > pending at its old place in the queue, without counting an attempt (a stop, an open circuit). */
  release(ids: readonly number[]): void;
  /** Releases all that a run before this one had claimed; to be called once, before the first claim. */
  resetInterrupted(): void;
  counts(): UploadCounts;
  /** When the next upload is due, ms since 1970 (in the past: now); `undefined` when none waits. */
  nextDueMs(): number | undefined;
  /**
   * Queues, as back-fill, the files of these kinds that segments have and that were never queued (S3 was switched on
   * after they were recorded). Works in slices, so that the event loop goes on.
   *
   * @returns number of uploads queued
   */
  enqueueMissing(kinds: readonly SegmentFileKind[]): Promise<number>;
  /** True when the segment has uploads and every one of them is stored. Says nothing about kinds never queued. */
  areAllStored(segmentId: number): boolean;
}
