import type { Generated } from "kysely";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { GapRecord, RecordFormat, StartTime } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { NibbleVerdict } from "./catalog.ts";
import type { UploadState } from "./upload-queue.ts";

/** SQLite has no booleans. */
export type Flag = 0 | 1;

/** A device that was ever recorded. */
export interface DevicesTable {
  hwid: string;
  first_seen_ms: number;
  last_seen_ms: number;
  /** The newest verdict that a segment's own frames gave; all three columns are set or none. */
  nibble_order: NibbleVerdict["order"] | null;
  nibble_source: NibbleVerdict["source"] | null;
  /** When the segment of that verdict was received. */
  nibble_seen_ms: number | null;
}

export interface SessionsTable {
  session: string;
  hwid: string | null;
  stream_id: number;
  codec: RecordFormat["codec"];
  sample_rate_hz: number;
  channels: number;
  frame_samples: number;
  start_ms: number;
  start_rule: StartTime["rule"];
  device_start_ms: number;
  server_start_ms: number;
  ended_ms: number | null;
}

export interface SegmentsTable {
  id: Generated<number>;
  session: string;
  idx: number;
  /** The session's, repeated for the index by device and time. */
  hwid: string | null;
  stream_id: number;
  name: string;
  folder: string;
  start_ms: number;
  end_ms: number;
  start_sample: number;
  samples: number;
  wav_samples: number | null;
  frames: number;
  duplicates: number;
  first_seq: number;
  last_seq: number;
  nibble_order: NibbleVerdict["order"] | null;
  nibble_source: NibbleVerdict["source"] | null;
  gap_samples: number;
  peak_dbfs: number | null;
  rms_dbfs: number | null;
  silent_share: number | null;
  clipped_samples: number | null;
  bin_bytes: number;
  bin_sha256: string;
  wav_bytes: number | null;
  wav_sha256: string | null;
  json_bytes: number;
  json_sha256: string;
  recovered: Flag;
  close_reason: Sidecar["close_reason"];
  /** 1 while the object store holds the `.bin`, the sidecar and all else that was queued; kept by triggers. */
  is_stored: Generated<Flag>;
  /** When the local `.bin` and `.wav` were deleted; `null` while they stand on disk. */
  evicted_ms: Generated<number | null>;
}

export interface GapsTable {
  segment_id: number;
  /** Place in the sidecar's list: two gaps of different causes may begin at the same seq. */
  idx: number;
  from_seq: number;
  to_seq: number;
  start_sample: number;
  sample_count: number;
  cause: GapRecord["cause"];
  start_ms: number;
}

/** Folder and name of an upload's file are its segment's. */
export interface UploadsTable {
  id: Generated<number>;
  segment_id: number;
  kind: SegmentFileKind;
  bytes: number;
  sha256: string;
  state: UploadState;
  is_backfill: Flag;
  attempts: number;
  /** When the upload is due; equals `queued_ms` unless an attempt failed. */
  next_try_ms: number;
  error_code: string | null;
  reason: string | null;
  key: string | null;
  etag: string | null;
  stored_ms: number | null;
  queued_ms: number;
}

/** Files and bytes per state, kept by triggers: counting 30 million rows would take seconds. */
export interface UploadTotalsTable {
  state: UploadState;
  files: number;
  bytes: number;
}

/** The catalogue's tables. All times are ms since 1970. */
export interface CatalogSchema {
  devices: DevicesTable;
  sessions: SessionsTable;
  segments: SegmentsTable;
  gaps: GapsTable;
  uploads: UploadsTable;
  upload_totals: UploadTotalsTable;
}
