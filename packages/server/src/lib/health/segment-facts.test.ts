import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { finishedSegment } from "../catalog/finished-segment.test-support.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { readSegmentFacts } from "./segment-facts.ts";

const factsOf = (sidecar: Partial<Sidecar>) => readSegmentFacts(finishedSegment({ index: 0, sidecar }).sidecar);
const gapOf = (samples: number) =>
  ({ from_seq: 1, to_seq: 2, start_sample: 0, samples, estimated: false, cause: "not-received" }) as const;

describe("readSegmentFacts", () => {
  it("takes levels, hum and drift from the sidecar", () => {
    const { levels, driftPpm, streamId } = factsOf({ hum_share: 0.75, drift_ppm: -12, stream_id: 9 });
    assert.deepEqual(levels, {
      peakDbfs: -3.5,
      rmsDbfs: -20.25,
      dcOffset: 0,
      clippedShare: 2 / 160_000,
      humShare: 0.75,
    });
    assert.deepEqual([driftPpm, streamId], [-12, 9]);
  });

  it("counts only what was received, however gaps are filled", () => {
    const levels = { peak_dbfs: -6, rms_dbfs: -30, clipped_samples: 16, silent_share: 0.9, dc_offset: 0.01 };
    const gaps = [gapOf(100_000), gapOf(44_000)];
    const filled = factsOf({ levels, gaps, gap_fill: "silence" }).levels;
    assert.ok(filled !== null && Math.abs(filled.rmsDbfs + 20) < 1e-9, `${filled?.rmsDbfs}`);
    assert.ok(Math.abs(filled.dcOffset - 0.1) < 1e-9);
    assert.equal(filled.clippedShare, 0.001);
    const skipped = factsOf({ levels, gaps, gap_fill: "skip", wav_samples: 16_000 }).levels;
    assert.deepEqual([skipped?.rmsDbfs, skipped?.dcOffset, skipped?.clippedShare], [-30, 0.01, 0.001]);
  });

  it("does not count the gap in front of the segment", () => {
    const levels = { peak_dbfs: -6, rms_dbfs: -30, clipped_samples: 160, silent_share: 0.9, dc_offset: 0.01 };
    const start = { start_sample: 10_000_000, gaps: [{ ...gapOf(9_600_000), start_sample: 400_000 }] };
    assert.equal(factsOf({ levels, ...start }).levels?.clippedShare, 0.001);
  });

  it("says nothing of levels that are not known, and of less than half a second", () => {
    assert.equal(factsOf({ levels: null }).levels, null);
    assert.equal(factsOf({ gaps: [gapOf(152_001)] }).levels, null);
    assert.notEqual(factsOf({ gaps: [gapOf(152_000)] }).levels, null);
    assert.equal(factsOf({}).levels?.humShare, null);
  });

  it("takes the server's clock where the device's was not believed", () => {
    const { time } = finishedSegment({ index: 2 }).sidecar;
    const yearMs = 365 * 86_400_000;
    const ahead = factsOf({
      time: { ...time, rule: "device-unverified", server_start_ms: time.session_start_ms - yearMs },
    });
    assert.deepEqual([ahead.startMs, ahead.endMs], [time.start_ms - yearMs, time.end_ms - yearMs]);
    const synced = factsOf({ time });
    assert.deepEqual(
      [synced.startMs, synced.endMs, synced.sessionMs],
      [time.start_ms, time.end_ms, time.server_start_ms],
    );
  });
});
