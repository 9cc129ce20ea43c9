/** Segments of a device, and what of them stands on the local disk. */
export interface LocalUsage {
  /** `null` stands for all that was recorded without an id. */
  readonly hwid: string | null;
  /** All that the catalogue has, evicted ones too. */
  readonly segmentCount: number;
  /** Those whose `.bin` and `.wav` stand on disk. */
  readonly localSegmentCount: number;
  /** Of these `.bin` and `.wav`. */
  readonly localBytes: number;
}

/** Segments of all devices together. */
export type LocalTotals = Omit<LocalUsage, "hwid">;

/** A segment whose local `.bin` and `.wav` may go. */
export interface EvictableSegment {
  readonly id: number;
  /** File name without ending. */
  readonly name: string;
  /** Folder relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** Of the `.bin` and the `.wav`. */
  readonly bytes: number;
  /**
   * Start by the clock that is believed: the device's where it agreed with the server's or there was no other, else the
   * server's at the session's start and the position in it. By it the segment ages.
   */
  readonly keptFromMs: number;
  /** Its command (`run-on-segment`) has not run yet, and was asked for within the last day. */
  readonly isAwaited: boolean;
}

/** Where a segment's overview lies, in the folder of overviews. */
export type OverviewPlace = Pick<EvictableSegment, "id" | "folder" | "name">;

/** Which segments {@link LocalFiles.evictableSegments} gives. */
export interface EvictableFilter {
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: Pick<EvictableSegment, "keptFromMs" | "id">;
}

/** A segment whose `.bin` and `.wav` stand on disk. All times are ms since 1970. */
export interface LocalSegment extends EvictableSegment {
  readonly hwid: string | null;
  readonly startMs: number;
  readonly endMs: number;
  /** The object store holds all that was queued of it, `.bin` and sidecar at least. */
  readonly isStored: boolean;
  /** A file of it waits for the object store: pending, uploading or failed. */
  readonly isQueued: boolean;
}

/** Which segments {@link RetentionQueue.localSegments} gives. */
export interface LocalFilter {
  /** `null`: recorded without an id; missing: all devices. */
  readonly hwid?: string | null;
  readonly isStored: boolean;
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: Pick<LocalSegment, "keptFromMs" | "id">;
}

/** What was recorded lately. */
export interface RecentBytes {
  /** `.bin` and `.wav` of the segments that start at `sinceMs` or later. */
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * What stands on the local disk, by device and age: for quotas. Synchronous and fast, like the queue of uploads: each
 * call reads a bounded part of an index.
 */
export interface RetentionQueue {
  /** By hwid, those without id first; `after` is the last hwid of the page before. */
  usage(filter: { readonly limit: number; readonly after?: string | null }): readonly LocalUsage[];
  /** Adds up all devices: a few milliseconds for 100 000 of them. */
  totals(): LocalTotals;
  /** Oldest first, by `keptFromMs`. */
  localSegments(filter: LocalFilter): readonly LocalSegment[];
  /**
   * Of the newest segments since a time, at most 5 000 of them. `sinceMs` is later than asked for where there are more, and
   * where recording began later: nothing was recorded for a day in front of it.
   */
  recentBytes(sinceMs: number): RecentBytes;
}

/** What takes local files away. */
export interface LocalFiles {
  /**
   * The oldest segments, by `keptFromMs`, that are not evicted and whose `.bin`, sidecar and whatever else was queued all stand verified in
   * the object store. A segment whose `.bin` was never queued is never among them. [S-2.5] [S-4.4]
   */
  evictableSegments(filter: EvictableFilter): Promise<readonly EvictableSegment[]>;
  /** Notes that the local `.bin` and `.wav` of these segments are gone. `Catalog.addSegment` undoes it. */
  markEvicted(ids: readonly number[], evictedMs: number): Promise<void>;
  /** The oldest evicted segments that may have an overview on the disk. */
  evictedOverviews(limit: number): Promise<readonly OverviewPlace[]>;
  /** Notes whether overviews of segments stand on the disk; all that are added are taken for such. */
  markOverviews(ids: readonly number[], isThere: boolean): Promise<void>;
}
