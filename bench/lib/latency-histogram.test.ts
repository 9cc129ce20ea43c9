import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyHistogram } from "./latency-histogram.ts";

describe("LatencyHistogram", () => {
  it("tells below what a share of the latencies stays", () => {
    const histogram = new LatencyHistogram();
    for (let ms = 0; ms < 1000; ms++) histogram.add(ms + 0.5);
    assert.deepEqual(
      [histogram.percentileMs(0.5), histogram.percentileMs(0.99), histogram.percentileMs(1)],
      [500, 990, 1000],
    );
    assert.equal(histogram.count, 1000);
  });

  it("tells nothing when there are none", () => {
    assert.equal(new LatencyHistogram().percentileMs(0.5), Number.NaN);
  });
});
