import { setImmediate as nextTurn } from "node:timers/promises";
import type { SegmentRow, TimeKey } from "../catalog/catalog-reader.ts";
import type { ApiSources } from "./api-sources.ts";

/** Segments that one call deletes; the caller calls again for more. */
export const maxDeletionCount = 1_000;

type Sources = Pick<ApiSources, "reader" | "annotations" | "onDeleted">;

/** What is to be deleted of a device. */
export interface DeletedRange {
  readonly hwid: string | null;
  /** ms since 1970. Segments that reach over an edge stay: they hold audio that was not meant. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Default: all. */
  readonly streamId?: number;
  /** For people. */
  readonly reason: string;
}

/** What a deletion did, as the API tells it. */
export interface DeletionFacts {
  readonly deleted: number[];
  readonly pinned: number;
  readonly has_more: boolean;
}

/**
 * Deletes the oldest segments of a range that may go, however many that may not come before them: a caller that calls again
 * while there are more comes to an end.
 *
 * @param limits - for tests: how many go, and how many are looked at at once; default 1 000 each
 */
export async function deleteRange(
  { reader, annotations, onDeleted }: Sources,
  { reason, ...range }: DeletedRange,
  { maxCount = maxDeletionCount, pageLength = maxDeletionCount } = {},
): Promise<DeletionFacts> {
  const deleted: number[] = [];
  let pinned = 0;
  for (let after: TimeKey | undefined; ; ) {
    const { rows, next } = await reader.segments({ ...range, limit: pageLength, ...(after && { after }) });
    const inside = rows.filter(({ startMs, endMs }) => startMs >= range.fromMs && endMs <= range.toMs);
    const free = inside.filter(({ isPinned }) => !isPinned);
    const chosen = free.slice(0, maxCount - deleted.length);
    const gone = await deleteSegments(annotations, chosen, reason);
    deleted.push(...gone);
    // One that was pinned meanwhile stays, too.
    pinned += inside.length - free.length + chosen.length - gone.length;
    const isFull = deleted.length >= maxCount;
    if (isFull || next === undefined) {
      if (deleted.length > 0) onDeleted();
      return { deleted, pinned, has_more: chosen.length < free.length || next !== undefined };
    }
    after = next;
    await nextTurn();
  }
}

async function deleteSegments(
  annotations: Sources["annotations"],
  segments: readonly Pick<SegmentRow, "id">[],
  reason: string,
): Promise<readonly number[]> {
  if (segments.length === 0) return [];
  return (await annotations.deleteSegments({ segmentIds: segments.map(({ id }) => id), reason })).map(({ id }) => id);
}
