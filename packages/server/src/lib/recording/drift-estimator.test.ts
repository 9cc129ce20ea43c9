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
