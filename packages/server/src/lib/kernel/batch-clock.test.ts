import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatchClock } from "./batch-clock.ts";
import type { MonotonicMs, WallMs } from "./clock.ts";

/** A clock that goes on with each look. */
function restlessClock() {
  let looks = 0;
  return { wallMs: () => (1_000 + looks++) as WallMs, monotonicMs: () => looks++ as MonotonicMs };
}

describe("BatchClock", () => {
  it("goes on outside of a batch", () => {
    const clock = new BatchClock(restlessClock());
    assert.deepEqual([clock.wallMs(), clock.wallMs(), clock.monotonicMs()], [1_000, 1_001, 2]);
  });

  it("stands still within a batch, from its first look on, and goes on behind it", () => {
    const clock = new BatchClock(restlessClock());
    clock.begin();
    assert.deepEqual([clock.wallMs(), clock.monotonicMs(), clock.wallMs(), clock.monotonicMs()], [1_000, 1, 1_000, 1]);
    clock.end();
    assert.equal(clock.wallMs(), 1_002);
    clock.begin();
    assert.deepEqual([clock.monotonicMs(), clock.monotonicMs(), clock.wallMs()], [3, 3, 1_004]);
  });
});
