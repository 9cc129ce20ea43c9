import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { daysBefore, recordDays } from "./completeness.ts";

const nowMs = new Date(2026, 10, 22, 18).getTime();
const hourMs = 3_600_000;

function bucket(startMs: number, coveredS: number, gapS: number) {
  return {
    start: new Date(startMs).toISOString(),
    covered_s: coveredS,
    gap_s: { "not-received": gapS, "device-dropped": gapS, "storage-failed": 0 },
    ...{ peak_dbfs: null, rms_dbfs: null, clipped_samples: 0, segments: 1 },
  };
}

describe("recordDays", () => {
  it("adds up the days of the viewer's calendar", () => {
    const midnight = daysBefore(nowMs, 0);
    const buckets = [
      bucket(midnight - hourMs, 3_000, 5),
      bucket(midnight, 3_600, 0),
      bucket(midnight + hourMs, 1_800, 1),
    ];
    const days = recordDays(
      { buckets, resolution_s: 3_600 },
      { nowMs, firstSeenMs: midnight - 2 * hourMs, dayCount: 3 },
    );
    assert.deepEqual(
      days.map(({ coveredS, gapS, lengthS }) => [coveredS, gapS, lengthS]),
      [
        [0, 0, 0],
        [3_000, 10, 7_200],
        [5_400, 2, 18 * 3_600],
      ],
    );
    assert.deepEqual(days[2]?.parts, [
      { start: 0, length: 1 / 24, covered: 1, gapS: 0 },
      { start: 1 / 24, length: 1 / 24, covered: 0.5, gapS: 2 },
    ]);
  });

  it("leaves out what lies before the first day", () => {
    const days = recordDays(
      { buckets: [bucket(0, 9, 0)], resolution_s: 3_600 },
      { nowMs, firstSeenMs: 0, dayCount: 2 },
    );
    assert.deepEqual(
      days.map(({ coveredS }) => coveredS),
      [0, 0],
    );
  });
});
