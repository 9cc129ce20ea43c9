import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { GapRecord, RecordFormat, StartTime } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { UploadState } from "./upload-queue.ts";

/** One page of a list. */
export interface Page<Row, Key> {
  readonly rows: readonly Row[];
  /**
   * To be given as `after` for the next page; `undefined` on the last one. A page may hold fewer rows than asked for, even
   * none, and have a next one: where few rows fit, only a bounded part of an index is looked at for each page.
   */
  readonly next: Key | undefined;
}

/**
 * A device and what the catalogue has of it. All times are ms since 1970; without id they are those of the audio.
 */
export interface DeviceRow {
  /** `null` stands for all that was recorded without an id. */
  readonly hwid: string | null;
  /** As a person gave it; `null` without. */
  readonly name: string | null;
  readonly tags: readonly string[];
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly sessionCount: number;
  readonly segmentCount: number;
  /** Time of the segments, gaps included, ms. */
  readonly mediaMs: number;
  /** Time of the gaps in them and in front of them, ms. */
  readonly gapMs: number;
  /** Of `.bin` and `.wav`, on disk and evicted ones alike. */
  readonly bytes: number;
  /** Files that wait for the object store, failed ones included. */
  readonly waitingFileCount: number;
  /** Of these files. */
  readonly waitingBytes: number;
}

export interface DeviceFilter {
  readonly limit: number;
  /** The last hwid of the page before. */
  readonly after?: string;
  /** Part of the id or the name, case-insensitive. */
  readonly search?: string;
  readonly tag?: string;
}

export interface SessionRow {
  readonly session: string;
  readonly hwid: string | null;
  readonly streamId: number;
  readonly format: RecordFormat;
  readonly startMs: number;
  readonly startRule: StartTime["rule"];
  readonly startWarning: StartTime["warning"];
  /** `null` while it goes on. */
  readonly endedMs: number | null;
  readonly isAcked: boolean;
  readonly segmentCount: number;
  /** Per channel from the session's start to the end of its last segment. */
  readonly sampleCount: number;
  /** Per channel, missing. */
  readonly gapSampleCount: number;
  /** Of its last segment that knows it. */
  readonly driftPpm: number | null;
}

/** A place in a list ordered by time. */
export interface TimeKey {
  readonly startMs: number;
  /** Session, or segment id. */
  readonly id: string | number;
}

/** Rows of a list ordered by time; at most 1 000 a page. Rows that come in meanwhile move none to another page. */
export interface TimeFilter {
  /** `null`: recorded without an id; missing: all devices. */
  readonly hwid?: string | null;
  readonly streamId?: number;
  /** Those that end after it, ms since 1970: a session with its last segment, one that goes on always. */
  readonly fromMs?: number;
  /** Those that start before it, ms since 1970. */
  readonly toMs?: number;
  readonly limit: number;
  readonly after?: TimeKey;
  /** By start time; default `asc`. */
  readonly order?: "asc" | "desc";
}

/** Where a segment's samples lie, and in which files: cheap to read in great numbers. */
export interface SegmentPlace {
  readonly id: number;
  readonly session: string;
  readonly streamId: number;
  readonly name: string;
  /** Relative to `data/received`, `/`-separated. */
  readonly folder: string;
  readonly format: RecordFormat;
  readonly startMs: number;
  readonly endMs: number;
  /** Wall time of the session's first sample. */
  readonly sessionStartMs: number;
  /** Position in the session. */
  readonly startSample: number;
  readonly sampleCount: number;
  /** Per channel in the `.wav`; `null` without one. */
  readonly wavSampleCount: number | null;
  /** True when it has gaps: in it or in front of it. */
  readonly hasGaps: boolean;
  /** Local `.bin` and `.wav` were deleted then; `null`: never. */
  readonly evictedMs: number | null;
}

export interface SegmentRow extends SegmentPlace {
  readonly index: number;
  readonly hwid: string | null;
  /** Per channel, missing within the segment: the gap in front of it is not part of it. */
  readonly gapSampleCount: number;
  readonly frameCount: number;
  readonly duplicateCount: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly peakDbfs: number | null;
  readonly rmsDbfs: number | null;
  readonly silentShare: number | null;
  readonly clippedSampleCount: number | null;
  readonly driftPpm: number | null;
  readonly isRecovered: boolean;
  readonly closeReason: Sidecar["close_reason"];
  /** True when all that was queued of it is verified in the object store. */
  readonly isStored: boolean;
  /** Worst state of its uploads: `failed` > `uploading` > `pending` > `stored`; `none` when nothing was queued. */
  readonly uploadState: UploadState | "none";
  readonly isPinned: boolean;
}

export interface SegmentUpload {
  readonly kind: SegmentFileKind;
  readonly state: UploadState;
  readonly attempts: number;
  readonly reason: string | null;
  readonly key: string | null;
  readonly storedMs: number | null;
}

export interface SegmentFileRow {
  readonly kind: SegmentFileKind;
  readonly bytes: number;
  readonly sha256: string;
}

/** A segment with all that hangs on it. */
export interface SegmentDetails extends SegmentRow {
  readonly files: readonly SegmentFileRow[];
  readonly uploads: readonly SegmentUpload[];
  readonly gaps: readonly GapRow[];
}

export interface SegmentsFilter extends TimeFilter {
  readonly session?: string;
  readonly uploadState?: SegmentRow["uploadState"];
  readonly hasGaps?: boolean;
  readonly isRecovered?: boolean;
}

export interface GapRow {
  readonly session: string;
  readonly segmentId: number;
  readonly streamId: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly cause: GapRecord["cause"];
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly startSample: number;
  readonly sampleCount: number;
}

/** One column of a timeline. */
export interface TimelineBucket {
  readonly startMs: number;
  /** Time recorded, gaps not counted, ms. May exceed the bucket's length where sessions overlap. */
  readonly coveredMs: number;
  /** Time missing inside of segments, by cause, ms. Gaps between segments are only in {@link Timeline.gaps}. */
  readonly gapMs: Readonly<Record<GapRecord["cause"], number>>;
  /** Highest; `null` where nothing is known. */
  readonly peakDbfs: number | null;
  /** Mean power of what is covered; `null` where nothing is known. */
  readonly rmsDbfs: number | null;
  readonly clippedSampleCount: number;
  /** Segments that begin in it. */
  readonly segmentCount: number;
}

export interface TimelineRequest {
  readonly hwid: string | null;
  readonly streamId?: number;
  readonly fromMs: number;
  readonly toMs: number;
  /**
   * Wished length of a bucket. A longer one is taken where the range would make more than 2 000, and from 5 minutes on
   * lengths are multiples of 5 minutes, an hour or a day. Finer ones are made from the segments themselves: where the
   * range has more than 2 500 of these, 5 minutes are taken.
   */
  readonly resolutionMs: number;
}

export interface Timeline {
  /** Length of the buckets; they begin at multiples of it. */
  readonly resolutionMs: number;
  /** Those in which there is something, in order. Whole ones: the first and the last may reach beyond the range. */
  readonly buckets: readonly TimelineBucket[];
  /**
   * Those that reach into the range, inside and in front of segments, in order of time: the 1 000 longest, where of gaps
   * whose lengths differ by less than the factor two the earliest count as the longest.
   */
  readonly gaps: readonly GapRow[];
  /** True when there are shorter ones too. */
  readonly hasMoreGaps: boolean;
}

/**
 * What can be asked of the catalogue. Every answer is bounded and comes from an index: under 50 ms with ten million
 * segments. Methods reject with a `StorageError` as those of the catalogue do.
 */
export interface CatalogReader {
  devices(filter: DeviceFilter): Promise<Page<DeviceRow, string>>;
  device(hwid: string | null): Promise<DeviceRow | undefined>;
  /** Stream ids of a device with the time they were last seen, newest first, at most 100. */
  streams(hwid: string | null): Promise<readonly { readonly streamId: number; readonly lastSeenMs: number }[]>;
  sessions(filter: TimeFilter): Promise<Page<SessionRow, TimeKey>>;
  session(session: string): Promise<SessionRow | undefined>;
  segments(filter: SegmentsFilter): Promise<Page<SegmentRow, TimeKey>>;
  /** The same segments, but less of each. */
  segmentPlaces(filter: SegmentsFilter): Promise<Page<SegmentPlace, TimeKey>>;
  segment(id: number): Promise<SegmentDetails | undefined>;
  /** Segments of a session that hold samples of `[fromSample, toSample)`, in order. */
  segmentsAt(
    session: string,
    range: { readonly fromSample: number; readonly toSample: number; readonly limit: number },
  ): Promise<readonly SegmentPlace[]>;
  /** Gaps of some segments, in order of time. */
  gapsOf(segmentIds: readonly number[]): Promise<readonly GapRow[]>;
  timeline(request: TimelineRequest): Promise<Timeline>;
}
