import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TimelineBucket } from "./catalog-reader.ts";
import { finishedSegment, sessionStartMs } from "./finished-segment.test-support.ts";
import { holdCatalog } from "./held-catalog.test-support.ts";
import { type ModelSegment, worldPlan, writeWorld } from "./recorded-world.test-support.ts";

const live = { isBackfill: false };
const held = holdCatalog();

/** Time of `[fromMs, toMs)` that lies in a bucket. */
const overlap = (fromMs: number, toMs: number, bucketMs: number, lengthMs: number) =>
  Math.max(0, Math.min(toMs, bucketMs + lengthMs) - Math.max(fromMs, bucketMs));

/** The buckets that a person would add up with pencil and paper. */
function naiveBuckets(segments: readonly ModelSegment[], lengthMs: number): Map<number, [number, number, number]> {
  const buckets = new Map<number, [number, number, number]>();
  for (const { finished, startMs, endMs } of segments) {
    const { gaps, time } = finished.sidecar;
    for (let bucketMs = Math.floor(startMs / lengthMs) * lengthMs; bucketMs < endMs; bucketMs += lengthMs) {
      const lostMs = gaps
        .map(({ start_sample, samples }) => [time.session_start_ms + start_sample / 16, samples / 16] as const)
        .filter(([gapMs]) => gapMs >= startMs)
        .reduce((sum, [gapMs, durationMs]) => sum + overlap(gapMs, gapMs + durationMs, bucketMs, lengthMs), 0);
      const [coveredMs, missingMs, count] = buckets.get(bucketMs) ?? [0, 0, 0];
      const ownMs = overlap(startMs, endMs, bucketMs, lengthMs);
      buckets.set(bucketMs, [coveredMs + ownMs - lostMs, missingMs + lostMs, count + (startMs >= bucketMs ? 1 : 0)]);
    }
  }
  return buckets;
}

const isClose = (a: number, b: number) => Math.abs(a - b) < 1e-3;

function assertBuckets(
  found: readonly TimelineBucket[],
  expected: ReadonlyMap<number, [number, number, number]>,
): void {
  assert.deepEqual(
    found.map(({ startMs }) => startMs),
    [...expected.keys()].sort((a, b) => a - b),
  );
  for (const { startMs, coveredMs, gapMs, segmentCount } of found) {
    const [covered, missing, count] = expected.get(startMs) ?? [];
    assert.ok(isClose(coveredMs, covered ?? -1), `${coveredMs} ms covered, not ${covered}`);
    const lostMs = gapMs["not-received"] + gapMs["device-dropped"] + gapMs["storage-failed"];
    assert.ok(isClose(lostMs, missing ?? -1), `${lostMs} ms missing, not ${missing}`);
    assert.equal(segmentCount, count);
  }
}

async function assertTimelines(segments: readonly ModelSegment[], hwid: string | null): Promise<void> {
  const own = segments.filter(({ finished }) => finished.sidecar.hwid === hwid);
  for (const resolutionMs of [60_000, 300_000, 3_600_000, 7_200_000, 86_400_000]) {
    const request = { hwid, fromMs: sessionStartMs, toMs: sessionStartMs + 86_400_000, resolutionMs };
    const timeline = await held.catalog.reader.timeline(request);
    assert.equal(timeline.resolutionMs, resolutionMs);
    assertBuckets(timeline.buckets, naiveBuckets(own, resolutionMs));
    assert.equal(
      timeline.gaps.length,
      own.reduce((sum, { finished }) => sum + finished.sidecar.gaps.length, 0),
    );
  }
}

async function assertTotals(segments: readonly ModelSegment[], hwid: string | null): Promise<void> {
  const own = segments.filter(({ finished }) => finished.sidecar.hwid === hwid);
  const device = await held.catalog.reader.device(hwid);
  assert.equal(device?.segmentCount ?? 0, own.length);
  const mediaMs = own.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  assert.ok(isClose(device?.mediaMs ?? 0, mediaMs));
  const gapMs = own
    .flatMap(({ finished }) => finished.sidecar.gaps)
    .reduce((sum, { samples }) => sum + samples / 16, 0);
  assert.ok(isClose(device?.gapMs ?? 0, gapMs));
}

describe("CatalogReader.timeline", () => {
  it("adds up as pencil and paper do, also when segments are derived again and deleted", async () => {
    await fc.assert(
      fc.asyncProperty(worldPlan, fc.infiniteStream(fc.boolean()), async (world, coins) => {
        await held.renew();
        const segments = await writeWorld(held.catalog, world);
        for (const hwid of ["mic-1", null]) {
          await assertTimelines(segments, hwid);
          await assertTotals(segments, hwid);
        }
        const isDeleted = segments.map(() => coins.next().value);
        const segmentIds = segments.map((_, at) => at + 1).filter((id) => isDeleted[id - 1]);
        const deleted = await held.catalog.annotations.deleteSegments({ segmentIds, reason: "test" });
        assert.equal(deleted.length, segmentIds.length);
        // What is derived again has lost its gaps.
        const left = segments
          .filter((_, at) => !isDeleted[at])
          .map((segment) =>
            coins.next().value
              ? { ...segment, finished: { ...segment.finished, sidecar: { ...segment.finished.sidecar, gaps: [] } } }
              : segment,
          );
        await Promise.all(left.map(({ finished }) => held.catalog.addSegment(finished, [], live)));
        for (const hwid of ["mic-1", "mic-2"]) {
          await assertTimelines(left, hwid);
          await assertTotals(left, hwid);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("shows the level of what it covers", async () => {
    const levels = { peak_dbfs: -1, rms_dbfs: -10, clipped_samples: 5, silent_share: 0, dc_offset: 0 };
    await held.catalog.addSegment(finishedSegment({ sidecar: { levels } }), [], live);
    await held.catalog.addSegment(
      finishedSegment({ index: 1, sidecar: { levels: { ...levels, rms_dbfs: -120 } } }),
      [],
      live,
    );
    await held.catalog.addSegment(finishedSegment({ index: 2, sidecar: { levels: null } }), [], live);
    const request = { hwid: "mic-1", fromMs: sessionStartMs, toMs: sessionStartMs + 30_000 };
    const [whole] = (await held.catalog.reader.timeline({ ...request, resolutionMs: 300_000 })).buckets;
    assert.ok(isClose(whole?.rmsDbfs ?? 0, -10 - 10 * Math.log10(2)));
    assert.deepEqual([whole?.peakDbfs, whole?.clippedSampleCount], [-1, 10]);
    const fine = (await held.catalog.reader.timeline({ ...request, resolutionMs: 5000 })).buckets;
    assert.deepEqual(
      fine.map(({ startMs, rmsDbfs, peakDbfs }) => [startMs - sessionStartMs, rmsDbfs, peakDbfs]),
      [
        [0, -10, -1],
        [5000, -10, -1],
        [10_000, -120, -1],
        [15_000, -120, -1],
        [20_000, null, null],
        [25_000, null, null],
      ],
    );
  });

  it("takes longer buckets than wished where there would be too many", async () => {
    await held.catalog.addSegment(finishedSegment(), [], live);
    const lengths = async (spanMs: number, resolutionMs: number) => {
      const request = { hwid: "mic-1", fromMs: sessionStartMs, toMs: sessionStartMs + spanMs, resolutionMs };
      return (await held.catalog.reader.timeline(request)).resolutionMs;
    };
    const dayMs = 86_400_000;
    assert.equal(await lengths(dayMs, 1), 43_222);
    assert.equal(await lengths(30 * dayMs, 1), 1_500_000);
    assert.equal(await lengths(30 * dayMs, 3_600_000), 3_600_000);
    assert.equal(await lengths(365 * dayMs, 1), 5 * 3_600_000);
    assert.equal(await lengths(365 * dayMs, dayMs + 1), 2 * dayMs);
  });

  it("gives the longest gaps, those in front of segments too, and says when there are more", async () => {
    const gaps = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        ...{ from_seq: at, to_seq: at + 1, start_sample: from + 100 * at, samples: 16, estimated: false },
        cause: "not-received" as const,
      }));
    await held.catalog.addSegment(finishedSegment({ sidecar: { gaps: gaps(0, 800) } }), [], live);
    const long = { ...gaps(0, 1)[0]!, start_sample: 0, samples: 160_000 };
    await held.catalog.addSegment(
      finishedSegment({ index: 1, sidecar: { gaps: [long, ...gaps(160_000, 300)] } }),
      [],
      live,
    );
    const request = { hwid: "mic-1", resolutionMs: 1000 };
    const all = await held.catalog.reader.timeline({
      ...request,
      fromMs: sessionStartMs,
      toMs: sessionStartMs + 20_000,
    });
    assert.deepEqual([all.gaps.length, all.hasMoreGaps], [1000, true]);
    assert.equal(all.gaps.filter(({ durationMs }) => durationMs === 10_000).length, 1);
    const middle = { ...request, fromMs: sessionStartMs + 9_990, toMs: sessionStartMs + 10_001 };
    const some = await held.catalog.reader.timeline(middle);
    assert.deepEqual(
      some.gaps.map(({ startMs, durationMs }) => [startMs - sessionStartMs, durationMs]),
      [
        [0, 10_000],
        [10_000, 1],
      ],
    );
    assert.equal(some.hasMoreGaps, false);
  });
});
