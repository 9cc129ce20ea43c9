import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { spreadOut } from "./spread-out.ts";

type Balancer = ReturnType<typeof spreadOut>;

/** Which of threads with so many segments each gets the next one, by its place. */
function choose(threadCount: number, usages: readonly number[]): number | null {
  const threads = usages.map((currentUsage) => ({ currentUsage })) as unknown as Parameters<Balancer>[1];
  const chosen = spreadOut(threadCount)({} as Parameters<Balancer>[0], threads);
  return chosen === null ? null : threads.indexOf(chosen);
}

describe("spreadOut", () => {
  it("takes a thread that has nothing to do", () => {
    assert.equal(choose(2, [0]), 0);
    assert.equal(choose(2, [1, 0]), 1);
  });

  it("lets another thread start before one gets a second segment", () => {
    assert.equal(choose(2, []), null);
    assert.equal(choose(2, [1]), null);
    assert.equal(choose(2, [2, 1]), 1);
    assert.equal(choose(1, [1]), 0);
  });

  it("lets segments wait when each thread has two", () => {
    assert.equal(choose(2, [2, 2]), null);
  });
});
