import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { UploadState } from "./upload-queue.ts";

/** States of an upload that is still to be done. */
export type WaitingState = Exclude<UploadState, "stored">;

/** An upload that is still to be done. Times are ms since 1970. */
export interface WaitingUpload {
  readonly id: number;
  readonly segmentId: number;
  readonly kind: SegmentFileKind;
  /** Name with ending. */
  readonly fileName: string;
  /** `null`: recorded without an id. */
  readonly hwid: string | null;
  readonly state: WaitingState;
  readonly bytes: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly queuedMs: number;
  readonly nextTryMs: number;
  /** Of the last attempt: a row of docs/errors.md; `null` without a failed one. */
  readonly errorCode: string | null;
  readonly reason: string | null;
}

/** Place behind an upload in the order of the queue. */
export type UploadPlace = readonly [isBackfill: number, nextTryMs: number, id: number];

/** Which uploads {@link UploadList.page} gives. */
export interface WaitingFilter {
  readonly state: WaitingState;
  /** With state `failed`: those of one error. */
  readonly code?: string;
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: UploadPlace;
}

/** Uploads that failed for the same reason. Times are ms since 1970. */
export interface UploadFailureGroup {
  /** Row of docs/errors.md. */
  readonly code: string;
  readonly fileCount: number;
  readonly bytes: number;
  /** When the one that waits for longest was queued. */
  readonly oldestMs: number;
  /** When the first of them is due. */
  readonly nextTryMs: number;
  /** What the last attempt of the first of them told. */
  readonly reason: string;
}

/** Which uploads {@link UploadList.retry} makes due. Without any: all that failed. */
export interface RetryFilter {
  readonly ids?: readonly number[];
  readonly code?: string;
}

/** The queue of uploads as a person looks at it. Each call reads a bounded part of an index. */
export interface UploadList {
  /** In the order in which they will be tried. */
  page(filter: WaitingFilter): { readonly rows: readonly WaitingUpload[]; readonly next: UploadPlace | undefined };
  /** Failed uploads by their error, the most files first; of more than 100 000 some are not counted. */
  failures(): readonly UploadFailureGroup[];
  /**
   * Makes failed uploads due now. Works in slices, so that the event loop goes on.
   *
   * @returns how many were made due, those that were so already left out
   */
  retry(filter: RetryFilter): Promise<number>;
}
