import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LatencyHistogram } from "./latency-histogram.ts";

describe("LatencyHistogram", () => {
  it("counts what took at most as long as each bound", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 60_000, noNaN: true })), (durations) => {
        const histogram = new LatencyHistogram();
        for (const duration of durations) histogram.observe(duration);
        const { buckets, count, sumMs } = histogram.read();
        assert.equal(count, durations.length);
        assert.equal(
          sumMs,
          durations.reduce((sum, duration) => sum + duration, 0),
        );
        for (const bucket of buckets) {
          assert.equal(bucket.count, durations.filter((duration) => duration <= bucket.boundMs).length);
        }
      }),
    );
  });
});
