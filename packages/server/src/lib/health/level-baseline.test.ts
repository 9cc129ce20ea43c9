import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LevelBaseline } from "./level-baseline.ts";

const hourMs = 3_600_000;

/** A segment every 10 minutes, at the level that its hour has. */
function fill(baseline: LevelBaseline, levels: readonly number[], fromHour = 0): void {
  for (const [index, rmsDbfs] of levels.entries())
    for (let minute = 0; minute < 60; minute += 10)
      baseline.add((fromHour + index) * hourMs + minute * 60_000, rmsDbfs);
}

describe("LevelBaseline", () => {
  it("is not known before three whole hours", () => {
    const baseline = new LevelBaseline();
    fill(baseline, [-40, -40, -40]);
    assert.equal(baseline.usualDbfs, undefined);
    fill(baseline, [-90], 3);
    assert.equal(baseline.usualDbfs, -40);
  });

  it("is the median of hours, which few loud or quiet ones do not move", () => {
    const baseline = new LevelBaseline();
    fill(baseline, [-40, -41, -120, -42, -3, -40, 0]);
    assert.equal(baseline.usualDbfs, -40.5);
  });

  it("forgets what is a week old", () => {
    const baseline = new LevelBaseline();
    fill(baseline, [-80, -80, -80, -80]);
    fill(baseline, [-20, -20, -20, -20, -20, -20], 170);
    assert.equal(baseline.usualDbfs, -20);
  });

  it("takes up what earlier runs recorded, and prefers what it has heard itself", () => {
    const baseline = new LevelBaseline();
    fill(baseline, [-30, -30], 10);
    const rows = [-60, -50, -40].map((rmsDbfs, hour) => ({ startMs: hour * hourMs, rmsDbfs }));
    baseline.restore([...rows, { startMs: 10 * hourMs, rmsDbfs: -120 }]);
    assert.equal(baseline.usualDbfs, -45);
  });

  it("goes on from an earlier hour when the clock was set back", () => {
    const baseline = new LevelBaseline();
    fill(baseline, [-40, -40, -40, -40]);
    fill(baseline, [-10, -10], 100);
    baseline.rewind(4 * hourMs);
    assert.equal(baseline.usualDbfs, -40);
    fill(baseline, [-60, -60, -60, -60, -60, -60], 4);
    assert.equal(baseline.usualDbfs, -60);
  });
});
