import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { columnLengthMs, columnSampleCount, PictureGrid } from "./picture-grid.ts";

describe("PictureGrid", () => {
  it("finds columns by time, and back", () => {
    const grid = new PictureGrid(1_000, 50);
    assert.deepEqual([grid.columnAt(1_000), grid.columnAt(1_125), grid.columnAt(900)], [0, 2.5, -2]);
    assert.deepEqual([grid.timeOf(-2), grid.timeOf(2)], [900, 1_100]);
  });

  it("keeps the columns of a later session within half of one", () => {
    const grid = new PictureGrid(0, 50);
    for (const startMs of [1_000, 1_024, 1_026, 1_049]) {
      assert.ok(Math.abs(grid.timeOf(grid.firstColumnOf(startMs)) - startMs) <= 25);
    }
  });
});

describe("columnLengthMs", () => {
  it("is a twentieth of a second in whole samples, of any rate", () => {
    for (const rateHz of [4_000, 11_025, 16_000, 22_050, 44_100]) {
      assert.ok(Math.abs(columnLengthMs(rateHz) - 50) < 0.1);
      assert.ok(Math.abs((columnLengthMs(rateHz) * rateHz) / 1000 - columnSampleCount(rateHz)) < 1e-6);
    }
    assert.equal(columnSampleCount(22_050), 1_103);
  });
});
