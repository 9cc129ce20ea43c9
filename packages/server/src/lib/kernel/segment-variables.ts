/** Variables that a command which is run per segment gets. docs/events.md tells what they hold. */
export const segmentVariableNames = [
  "EET_EVENT_ID",
  "EET_SEGMENT_ID",
  "EET_HWID",
  "EET_STREAM_ID",
  "EET_SESSION",
  "EET_INDEX",
  "EET_NAME",
  "EET_BIN",
  "EET_WAV",
  "EET_JSON",
  "EET_START",
  "EET_END",
  "EET_START_SAMPLE",
  "EET_SAMPLES",
  "EET_SAMPLE_RATE_HZ",
  "EET_CHANNELS",
  "EET_CODEC",
  "EET_GAPS",
  "EET_GAP_SAMPLES",
  "EET_DRIFT_PPM",
  "EET_PEAK_DBFS",
  "EET_RMS_DBFS",
  "EET_CLIPPED_SAMPLES",
  "EET_SILENT_SHARE",
  "EET_DC_OFFSET",
  "EET_CLOSE_REASON",
  "EET_RECOVERED",
] as const;

/** One of {@link segmentVariableNames}. */
export type SegmentVariableName = (typeof segmentVariableNames)[number];

/** The one by which a program knows that it was started for a segment. */
export const segmentMarkerName: SegmentVariableName = "EET_SEGMENT_ID";
