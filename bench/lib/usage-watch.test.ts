import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { growthOf } from "./usage-watch.ts";

describe("growthOf", () => {
  it("leaves the beginning out, when buffers fill", () => {
    const looks = [...Array.from({ length: 12 }, (_, index) => index * 10), ...Array.from({ length: 48 }, () => 120)];
    assert.equal(growthOf(looks), 0);
  });

  it("sees what grows to the end", () => {
    assert.equal(growthOf(Array.from({ length: 60 }, (_, index) => 1_000 + index)), 36);
  });

  it("says nothing of a short run", () => {
    assert.equal(growthOf([1, 2, 3]), undefined);
  });
});
