import type { Generated, GeneratedAlways } from "kysely";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { GapRecord, RecordFormat, StartTime } from "../kernel/segment-record.ts";
import type { EventType } from "../kernel/server-event.ts";
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
  /** As a person gave it. */
  name: Generated<string | null>;
  /** JSON list of strings. */
  tags: Generated<string>;
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
  acked: Generated<Flag>;
  start_warning: StartTime["warning"];
  /** Wall clock at the last frame, or at the catalogue's first sight of it where a crash lost that; 0 = not noted. */
  last_active_ms: Generated<number>;
  /** Where an acknowledged session stands whose last segments are deleted; `null` else. [P-2.7] */
  deleted_next_seq: Generated<number | null>;
  deleted_next_sample: Generated<number | null>;
  deleted_next_index: Generated<number | null>;
  /** Of its segments; kept as all below, so that nobody has to add them up. */
  segments: Generated<number>;
  /** Samples per channel from the start to the end of its last segment. */
  end_sample: Generated<number>;
  gap_samples: Generated<number>;
  /** Of the last segment that knows it, which is `drift_idx`. */
  drift_ppm: Generated<number | null>;
  drift_idx: Generated<number | null>;
  /** End of its last segment. */
  end_ms: Generated<number | null>;
  /** Power of two of its length in ms; 63 while it goes on. */
  size_class: Generated<number>;
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
  /** The session's, repeated for the indexes by seq. */
  acked: Generated<Flag>;
  drift_ppm: number | null;
  /** 0 also where a crash lost the number. */
  dropped_duplicates: Generated<number>;
  dc_offset: Generated<number | null>;
  /** Worst upload that waits: 4 failed, 3 uploading, 2 pending, 0 none waits; kept by triggers. */
  upload_state: Generated<number>;
  /** What its times are ahead of the server's clock by, where the device's was not believed; 0 else. */
  clock_ahead_ms: Generated<number>;
  /** 0 once the overview of an evicted segment was deleted. */
  has_overview: Generated<Flag>;
  /** Start by the clock that is believed: by it the segment ages. */
  kept_from_ms: GeneratedAlways<number>;
}

/** Frames that the device tied to its clocks. [P-2.1] */
export interface AnchorsTable {
  segment_id: number;
  /** Place in the sidecar's list: a device may send two for the same frame. */
  idx: number;
  /** Unwrapped. */
  seq: number;
  capture_ms: number;
  capture_us: number;
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
  /** The segment's, repeated for the index by device and time, as is `stream_id`. */
  hwid: Generated<string | null>;
  stream_id: Generated<number>;
  duration_ms: Generated<number>;
  /** Power of two of the duration in ms. */
  size_class: Generated<number>;
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

/** What waits for the object store, by device; kept by triggers. */
export interface UploadBacklogsTable {
  /** hwid, '' for none. */
  device: string;
  files: number;
  bytes: number;
}

/** Segments and what of them stands on disk, by device; kept by triggers. */
export interface LocalTotalsTable {
  /** Empty: recorded without an id. */
  hwid: string;
  segments: number;
  /** Not evicted. */
  local_segments: number;
  /** `.bin` and `.wav` of these. */
  local_bytes: number;
}

/** What happened, in order. */
export interface EventsTable {
  id: Generated<number>;
  type: EventType;
  time_ms: number;
  hwid: string | null;
  /** JSON object. */
  data: string;
}

/** Who gets events; counts are kept by triggers. */
export interface TargetsTable {
  target: string;
  is_for_all: Flag;
  pending: Generated<number>;
  dead: Generated<number>;
}

/** An event on its way to one target; written by a trigger on `events`. */
export interface DeliveriesTable {
  id: Generated<number>;
  target: string;
  event_id: number;
  /** The event's hwid, '' for none. */
  device: string;
  attempts: Generated<number>;
  first_failed_ms: number | null;
  next_try_ms: number;
  /** 1 for the one of its target and device that can be claimed. */
  is_head: Flag;
  is_claimed: Generated<Flag>;
}

export interface DeadLettersTable {
  /** The delivery's. */
  id: number;
  target: string;
  event_id: number;
  attempts: number;
  first_failed_ms: number | null;
  reason: string;
  died_ms: number;
}

export interface PinsTable {
  id: Generated<number>;
  /** hwid, '' for none. */
  device: string;
  from_ms: number;
  to_ms: number;
  note: string;
  created_ms: number;
}

export interface HealthStatesTable {
  hwid: string;
  condition: string;
  since_ms: number;
  /** JSON object. */
  evidence: string;
}

/** A segment whose row is gone while its files or objects may still stand. */
export interface DeletionsTable {
  id: Generated<number>;
  name: string;
  folder: string;
  hwid: string | null;
  /** JSON list of object keys. */
  keys: string;
  /** JSON list of kinds whose object may stand although it was not verified. */
  unverified_kinds: string;
  /** Uploads that were claimed when the row went and have not reported since. */
  uploads_in_flight: number;
}

/** Uploads of deleted segments that are still in flight. */
export interface DeletedUploadsTable {
  upload_id: number;
  deletion_id: number;
}

/** Totals of a device; `longest_ms` never shrinks. */
export interface DeviceTotalsTable {
  /** hwid, '' for none. */
  device: string;
  sessions: Generated<number>;
  segments: Generated<number>;
  media_ms: Generated<number>;
  gap_ms: Generated<number>;
  /** Of `.bin` and `.wav`, evicted ones too. */
  bytes: Generated<number>;
  /** Length of the longest segment: what reaches into a range begins at most this long before it. */
  longest_ms: Generated<number>;
  first_ms: number | null;
  last_ms: number | null;
}

export interface DeviceStreamsTable {
  device: string;
  stream_id: number;
  last_seen_ms: number;
}

/** A bucket of a time line: of 5 minutes, an hour or a day. */
export interface RollUpsTable {
  device: string;
  length_ms: number;
  start_ms: number;
  stream_id: number;
  covered_ms: number;
  not_received_ms: number;
  device_dropped_ms: number;
  storage_failed_ms: number;
  peak_dbfs: number | null;
  /** Mean power times ms of what has a level. */
  energy: number;
  level_ms: number;
  clipped_samples: number;
  segments: number;
}

/** The catalogue's tables. All times are ms since 1970. */
export interface CatalogSchema {
  events: EventsTable;
  targets: TargetsTable;
  target_types: { type: EventType; target: string };
  target_devices: { target: string; hwid: string };
  deliveries: DeliveriesTable;
  dead_letters: DeadLettersTable;
  pins: PinsTable;
  health_states: HealthStatesTable;
  unknown_recordings: { noted_ms: number };
  deletions: DeletionsTable;
  deleted_uploads: DeletedUploadsTable;
  devices: DevicesTable;
  sessions: SessionsTable;
  segments: SegmentsTable;
  gaps: GapsTable;
  anchors: AnchorsTable;
  uploads: UploadsTable;
  upload_totals: UploadTotalsTable;
  upload_backlogs: UploadBacklogsTable;
  local_totals: LocalTotalsTable;
  device_totals: DeviceTotalsTable;
  device_streams: DeviceStreamsTable;
  roll_ups: RollUpsTable;
}
