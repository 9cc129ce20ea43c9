import { LatencyHistogram } from "../kernel/latency-histogram.ts";

/** What was recorded since the start, in plain fields: counting costs next to nothing, metrics read them when asked. */
export class RecordingTally {
  /** Taken, those that repeat the one before them included. */
  frameCount = 0;
  /** Of these frames, headers included. */
  byteCount = 0;
  /** Stretches of missing frames. */
  gapCount = 0;
  /** Frames that had come before. */
  duplicateCount = 0;
  /** From a frame's arrival, the oldest of a flush, until it is on stable storage. */
  readonly flushLatency = new LatencyHistogram();
  /** Of `fdatasync`, the wait for its turn included. */
  readonly syncLatency = new LatencyHistogram();
}
