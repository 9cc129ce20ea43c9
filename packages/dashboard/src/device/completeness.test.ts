import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countGaps, daysBefore, recordDays } from "./completeness.ts";

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

describe("countGaps", () => {
  const gap = (startMs: number, durationS: number) => ({
    ...{ session: "s", segment_id: 1, stream_id: 1, from_seq: 1, to_seq: 2, start_sample: 1, samples: 2 },
    ...{ start: new Date(startMs).toISOString(), duration_s: durationS, cause: "not-received" as const },
  });

  it("counts those that touch the day, with all that is missing in it", () => {
    const midnight = daysBefore(nowMs, 0);
    const day = { startMs: midnight, nextMs: midnight + 24 * hourMs, gapS: 7.5 };
    const gaps = [gap(midnight - 9_000, 4), gap(midnight - 2_000, 4), gap(midnight + hourMs, 1)];
    assert.deepEqual(countGaps({ gaps, has_more_gaps: false }, day), { count: 2, isMore: false, seconds: 7.5 });
    assert.equal(countGaps({ gaps, has_more_gaps: true }, day).isMore, true);
  });
});

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
    // Of today what is to come is no part of what can be looked at.
    assert.deepEqual(
      days.map(({ startMs, endMs }) => endMs - startMs),
      [24 * hourMs, 24 * hourMs, 18 * hourMs],
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
