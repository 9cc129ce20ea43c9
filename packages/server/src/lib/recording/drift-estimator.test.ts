import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../../../../test/support/seeded-random.ts";
import type { MonotonicMs } from "../kernel/clock.ts";
import { DriftEstimator } from "./drift-estimator.ts";

const frameMs = 20;

/** Feeds frames of a device that samples `ppm` faster than it declares; `delayMs` is added to each arrival. */
function feed(estimator: DriftEstimator, seconds: number, ppm: number, delayMs: (atMs: number) => number): void {
  for (let at = 1; at * frameMs <= seconds * 1000; at++) {
    const mediaMs = at * frameMs;
    const arrivalMs = 5_000 + mediaMs / (1 + ppm / 1e6);
    estimator.push((arrivalMs + delayMs(arrivalMs)) as MonotonicMs, mediaMs);
  }
}

describe("DriftEstimator", () => {
  it("says nothing in the first 60 s", () => {
    const estimator = new DriftEstimator();
    feed(estimator, 60, 100, () => 0);
    assert.equal(estimator.ppm, null);
  });

  it("finds the drift of a device exactly where nothing is delayed", () => {
    for (const ppm of [-300, -20, 0, 45, 1_000, 88_435]) {
      const estimator = new DriftEstimator();
      feed(estimator, 80, ppm, () => 0);
      assert.ok(
        Math.abs((estimator.ppm ?? Number.NaN) - ppm) < 0.02 + Math.abs(ppm) * 1e-6,
        `${ppm}: ${estimator.ppm}`,
      );
    }
  });

  it("is not misled by delays of up to 200 ms, whatever they are", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -400, max: 400 }), (seed, ppm) => {
        const random = seededRandom(seed);
        const estimator = new DriftEstimator();
        feed(estimator, 300, ppm, () => 200 * random() ** 3);
        assert.ok(Math.abs((estimator.ppm ?? Number.NaN) - ppm) < 10, `${ppm}: ${estimator.ppm}`);
      }),
      { numRuns: 20 },
    );
  });

  it("is not misled by a backlog that is drained", () => {
    const estimator = new DriftEstimator();
    // For 40 s nothing comes through, then all of it within a second.
    feed(estimator, 600, 50, (atMs) => (atMs > 200_000 && atMs < 240_000 ? 240_000 - atMs + (atMs - 200_000) / 40 : 0));
    assert.ok(Math.abs((estimator.ppm ?? Number.NaN) - 50) < 5, `${estimator.ppm}`);
  });

  it("gives no estimate for audio that is not live", () => {
    for (const ratio of [10, 0.2]) {
      const estimator = new DriftEstimator();
      for (let at = 1; at < 20_000; at++) estimator.push((at * frameMs) as MonotonicMs, at * frameMs * ratio);
      assert.equal(estimator.ppm, null);
    }
  });

  it("goes by the last 128 windows, 21 minutes, where the drift changes", () => {
    const estimator = new DriftEstimator();
    // Rises by 1 ppm each second: of any span the estimate is the drift in its middle.
    let arrivalMs = 5_000;
    for (let mediaMs = frameMs; mediaMs <= 2_600_000; mediaMs += frameMs) {
      arrivalMs += frameMs / (1 + mediaMs / 1000 / 1e6);
      estimator.push(arrivalMs as MonotonicMs, mediaMs);
    }
    // The last estimate is that of the 258th window's end, at 2 580 s.
    const middlePpm = 2_580 - (128 * 10) / 2;
    assert.ok(Math.abs((estimator.ppm ?? Number.NaN) - middlePpm) < 10, `${estimator.ppm}, not ${middlePpm}`);
  });

  it("forgets an earlier drift once 128 windows have another", () => {
    const estimator = new DriftEstimator();
    let arrivalMs = 5_000;
    for (let mediaMs = frameMs; mediaMs <= 3_000_000; mediaMs += frameMs) {
      const ppm = mediaMs < 1_650_000 ? 700 : -50;
      arrivalMs += frameMs / (1 + ppm / 1e6);
      estimator.push(arrivalMs as MonotonicMs, mediaMs);
    }
    assert.equal(estimator.ppm, -50);
  });

  it("starts anew after a reset", () => {
    const estimator = new DriftEstimator();
    feed(estimator, 120, 700, () => 0);
    assert.notEqual(estimator.ppm, null);
    estimator.reset();
    assert.equal(estimator.ppm, null);
    feed(estimator, 80, -100, () => 0);
    assert.ok(Math.abs((estimator.ppm ?? Number.NaN) + 100) < 0.1, `${estimator.ppm}`);
  });
});
