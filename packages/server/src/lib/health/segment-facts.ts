import { clockAheadMs } from "../kernel/clock-ahead.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { SegmentFacts, SegmentLevels } from "./health-conditions.ts";

/** Shorter audio says little. */
const minReceivedS = 0.5;

/** What a segment's sidecar says of its device. */
export function readSegmentFacts(sidecar: Sidecar): SegmentFacts {
  const { name, stream_id: streamId, time, drift_ppm: driftPpm } = sidecar;
  const aheadMs = clockAheadMs(time);
  return {
    ...{ name, streamId, driftPpm, levels: readLevels(sidecar) },
    ...{ sessionMs: time.server_start_ms, startMs: time.start_ms - aheadMs, endMs: time.end_ms - aheadMs },
  };
}

function readLevels({
  levels,
  hum_share,
  wav_samples,
  start_sample,
  samples,
  gaps,
  gap_fill,
  audio,
}: Sidecar): SegmentLevels | null {
  if (levels === null) return null;
  // The gap in front of the segment is no part of it.
  const inside = gaps.filter((gap) => gap.start_sample >= start_sample);
  const gapSamples = inside.reduce((sum, gap) => sum + gap.samples, 0);
  const received = samples - gapSamples;
  if (received < minReceivedS * audio.sample_rate_hz) return null;
  // Silence in the place of gaps was measured too.
  const measured = gap_fill === "silence" ? (wav_samples ?? samples) : received;
  const share = Math.min(1, received / measured);
  return {
    peakDbfs: levels.peak_dbfs,
    rmsDbfs: levels.rms_dbfs - 10 * Math.log10(share),
    dcOffset: levels.dc_offset / share,
    clippedShare: levels.clipped_samples / (received * audio.channels),
    humShare: hum_share ?? null,
  };
}
