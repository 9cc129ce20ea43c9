import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SessionCounts } from "./session-counts.ts";

describe("SessionCounts", () => {
  it("counts by session and altogether", () => {
    const counts = new SessionCounts();
    for (const session of ["a", "a", "b"]) counts.increment(session);
    assert.deepEqual([counts.total, counts.has("a"), counts.has("b"), counts.has("c")], [3, true, true, false]);
    counts.decrement("a");
    assert.deepEqual([counts.total, counts.has("a")], [2, true]);
    counts.decrement("a");
    counts.decrement("b");
    assert.deepEqual([counts.total, counts.has("a"), counts.has("b")], [0, false, false]);
  });

  it("never counts below nothing", () => {
    const counts = new SessionCounts();
    counts.decrement("a");
    counts.increment("a");
    assert.deepEqual([counts.total, counts.has("a")], [1, true]);
  });
});
