import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Figure } from "./figure.ts";
import { formatSuite, fullPlan, quickPlan, suiteParts } from "./suite.ts";

const cost: Figure = { name: "cost", value: 0.6, unit: "x", better: "less", goal: 0.5, spread: [0.55, 0.7] };
const rate: Figure = { name: "rate of all", value: 2_000, unit: "x", better: "more", goal: 1_500 };
const memory: Figure = { name: "memory", value: 1, unit: "MiB", better: "none" };

describe("formatSuite", () => {
  it("sets what was found beside what it shall be, and counts what was met", () => {
    assert.deepEqual(formatSuite([cost, memory, rate], []), [
      "  cost         0.600 x  <= 0.5 x   NOT met  0.550 to 0.700",
      "  rate of all   2000 x  >= 1500 x  met",
      "1 of 2 goals are met on this machine",
    ]);
  });

  it("says what was not sound", () => {
    assert.equal(formatSuite([], ["flood: lost"]).at(-1), "NOT SOUND: flood: lost");
  });
});

describe("the plans", () => {
  it("run every part when there is time, and the quick one what needs little", () => {
    assert.deepEqual(Object.keys(fullPlan).toSorted(), suiteParts.toSorted());
    assert.ok(Object.keys(quickPlan).every((part) => part in fullPlan));
  });
});
