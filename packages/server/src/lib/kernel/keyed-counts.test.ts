import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeyedCounts } from "./keyed-counts.ts";

describe("KeyedCounts", () => {
  it("counts in and out by key", () => {
    const counts = new KeyedCounts<string>();
    const first = counts.add("a");
    counts.add("a");
    counts.add("b");
    assert.deepEqual([counts.of("a"), counts.of("b"), counts.of("c"), counts.largest], [2, 1, 0, 2]);
    first();
    assert.deepEqual([counts.of("a"), counts.largest], [1, 1]);
  });

  it("counts each out once only", () => {
    const counts = new KeyedCounts<string>();
    const out = counts.add("a");
    counts.add("a");
    out();
    out();
    assert.equal(counts.of("a"), 1);
  });
});
