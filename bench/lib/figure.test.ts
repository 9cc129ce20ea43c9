import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Figure, formatGoal, formatSpread, formatValue, meetsGoal, percentileOf, summaryOf } from "./figure.ts";

const ratio = (value: number, more: Partial<Figure> = {}): Figure => ({
  ...{ name: "ratio", value, unit: "x", better: "less", ...more },
});

describe("formatValue", () => {
  it("has three digits that count, and the unit", () => {
    const texts = [0.01234, 1.2345, 12.345, 123.45, 12_345.6].map((value) => formatValue({ value, unit: "us" }));
    assert.deepEqual(texts, ["0.012 us", "1.23 us", "12.3 us", "123 us", "12346 us"]);
  });

  it("counts in whole numbers", () => {
    assert.equal(formatValue({ value: 1_500_000, unit: "count" }), "1,500,000");
  });

  it("shows nothing as nothing", () => {
    assert.equal(formatValue({ value: 0, unit: "ms" }), "0.000 ms");
  });
});

describe("meetsGoal", () => {
  it("knows which way is good", () => {
    const goals = [ratio(0.5, { goal: 0.5 }), ratio(0.6, { goal: 0.5 }), ratio(0.6, { goal: 0.5, better: "more" })];
    assert.deepEqual(goals.map(meetsGoal), [true, false, true]);
  });

  it("says nothing where nothing was promised, and no to what is no number", () => {
    assert.equal(meetsGoal(ratio(1)), undefined);
    assert.equal(meetsGoal(ratio(Number.NaN, { goal: 1 })), false);
  });
});

describe("formatGoal and formatSpread", () => {
  it("tell the bound and how far the rounds lie apart", () => {
    const streams: Figure = { name: "streams", value: 1, unit: "count", better: "more", goal: 4_000 };
    assert.deepEqual([formatGoal(ratio(1, { goal: 0.5 })), formatGoal(streams)], ["<= 0.5 x", ">= 4,000"]);
    assert.equal(formatSpread(ratio(1, { spread: [0.41, 0.4712] })), "0.410 to 0.471");
  });

  it("are empty where there is none", () => {
    assert.deepEqual([formatGoal(ratio(1)), formatSpread(ratio(1))], ["", ""]);
  });
});

describe("summaryOf", () => {
  it("is the median with the least and the most", () => {
    assert.deepEqual(summaryOf([3, 1, 9]), { value: 3, spread: [1, 9] });
    assert.deepEqual(summaryOf([4, 1, 2, 8]), { value: 3, spread: [1, 8] });
  });

  it("has no spread of one round, and is none of none", () => {
    assert.deepEqual(summaryOf([7]), { value: 7 });
    assert.throws(() => summaryOf([]), RangeError);
  });
});

describe("percentileOf", () => {
  it("is the value that a share does not exceed", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual([percentileOf(values, 0.5), percentileOf(values, 0.99), percentileOf(values, 1)], [50, 99, 100]);
    assert.equal(percentileOf([], 0.5), Number.NaN);
  });
});
