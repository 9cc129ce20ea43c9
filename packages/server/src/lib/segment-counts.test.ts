import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "./kernel/clock.ts";
import { SegmentCounts } from "./segment-counts.ts";

describe("SegmentCounts", () => {
  it("counts anew after 10 s, not at each scrape", () => {
    let nowMs = 0;
    const clock = { wallMs: () => 0, monotonicMs: () => nowMs } as unknown as Clock;
    let segmentCount = 0;
    const counts = new SegmentCounts({ totals: () => ({ segmentCount, localSegmentCount: 3, localBytes: 1 }) }, clock);
    segmentCount = 5;
    assert.deepEqual(counts.read(), { local: 3, evicted: 2 });
    segmentCount = 6;
    nowMs = 9_999;
    assert.deepEqual(counts.read(), { local: 3, evicted: 2 });
    nowMs = 10_000;
    assert.deepEqual(counts.read(), { local: 3, evicted: 3 });
  });
});
