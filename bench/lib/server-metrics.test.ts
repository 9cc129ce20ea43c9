import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseMetrics, servingFigures } from "./server-metrics.ts";

const metricsOf = (delayS: number, flushCount: number, syncCount: number) =>
  parseMetrics(`# HELP eet_streams Streams that are being recorded.
# TYPE eet_streams gauge
eet_streams 3
eet_event_loop_delay_seconds{statistic="p99"} ${delayS}
eet_event_loop_delay_seconds{statistic="max"} ${delayS * 2}
eet_flush_latency_seconds_bucket{le="+Inf"} ${flushCount}
eet_flush_latency_seconds_count ${flushCount}
eet_sync_latency_seconds_count ${syncCount}
eet_disk_headroom_hours +Inf
`);

describe("parseMetrics", () => {
  it("reads values by name and labels", () => {
    const metrics = metricsOf(0.004, 7, 8);
    assert.equal(metrics.get("eet_streams"), 3);
    assert.equal(metrics.get('eet_event_loop_delay_seconds{statistic="max"}'), 0.008);
    assert.equal(metrics.get("eet_disk_headroom_hours"), Number.POSITIVE_INFINITY);
    assert.equal(metrics.size, 7);
  });
});

describe("servingFigures", () => {
  it("counts between two looks, and takes delays as they were between them", () => {
    assert.deepEqual(servingFigures(metricsOf(0.5, 10, 100), metricsOf(0.004, 17, 130)), {
      ...{ loopDelayP99Ms: 4, loopDelayMaxMs: 8, flushCount: 7, syncCount: 30 },
    });
  });

  it("has no number where the server tells none", () => {
    assert.equal(servingFigures(new Map(), new Map()).syncCount, Number.NaN);
  });
});
