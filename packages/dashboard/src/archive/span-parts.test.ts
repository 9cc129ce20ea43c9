import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { leaveOut } from "./span-parts.ts";

const buckets = [0, 100, 200].map((fromMs) => ({ fromMs, toMs: fromMs + 100, peak: fromMs }));
const partsOf = (...gaps: readonly (readonly [number, number])[]) =>
  [
    ...leaveOut(
      buckets,
      gaps.map(([fromMs, toMs]) => ({ fromMs, toMs })),
    ),
  ].map(({ fromMs, toMs, peak }) => [fromMs, toMs, peak]);

describe("leaveOut", () => {
  it("keeps what has no gap", () => {
    assert.deepEqual(partsOf(), [
      [0, 100, 0],
      [100, 200, 100],
      [200, 300, 200],
    ]);
  });

  it("breaks within a bucket and across some", () => {
    assert.deepEqual(partsOf([10, 20], [30, 40], [90, 250]), [
      [0, 10, 0],
      [20, 30, 0],
      [40, 90, 0],
      [250, 300, 200],
    ]);
  });

  it("leaves out a bucket that is all gap, and takes gaps of several streams as one", () => {
    assert.deepEqual(partsOf([-50, 120], [10, 30], [110, 200], [300, 400]), [[200, 300, 200]]);
  });
});
