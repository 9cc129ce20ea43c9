import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import { LookBudget } from "./look-budget.ts";

function makeBudget() {
  let nowMs = 0;
  const clock: Clock = { wallMs: () => nowMs as WallMs, monotonicMs: () => nowMs as MonotonicMs };
  const budget = new LookBudget(clock);
  const look = (isClose: boolean, costMs: number) =>
    budget.spend(isClose, () => {
      nowMs += costMs;
    });
  return { budget, look };
}

describe("LookBudget", () => {
  it("gives the fleet 15 ms of each tick, a device that is looked at closely 30", () => {
    const { budget, look } = makeBudget();
    assert.equal(look(false, 150), true);
    assert.deepEqual([look(false, 1), look(true, 150), look(true, 1)], [false, true, false]);
    budget.renew();
    assert.deepEqual([look(false, 15), look(false, 1), look(true, 15), look(true, 1)], [true, false, true, false]);
    assert.equal(budget.skippedFrameCount, 4);
  });

  it("makes up for what took too long, and saves no more than a second", () => {
    const { budget, look } = makeBudget();
    assert.equal(look(true, 345), true);
    budget.renew();
    assert.equal(look(true, 1), false);
    budget.renew();
    assert.equal(look(true, 1), true);
    for (let tick = 0; tick < 100; tick += 1) budget.renew();
    assert.deepEqual([look(true, 300), look(true, 1)], [true, false]);
  });
});
