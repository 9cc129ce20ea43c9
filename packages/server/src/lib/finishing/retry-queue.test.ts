import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RetryQueue } from "./retry-queue.ts";

describe("RetryQueue", () => {
  /** Items in the order of their tries. */
  let tried: string[];
  /** Items that fail when they are tried. */
  let failing: Set<string>;
  let queue: RetryQueue<string>;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    tried = [];
    failing = new Set();
    queue = new RetryQueue({ firstMs: 5, longestMs: 30 }, async (item) => {
      tried.push(item);
      return !failing.has(item);
    });
  });

  afterEach(() => {
    queue.close();
    mock.timers.reset();
  });

  /** Lets time pass; what was tried meanwhile. */
  async function pass(ms: number): Promise<string> {
    const from = tried.length;
    mock.timers.tick(ms);
    await nextTurn();
    return tried.slice(from).join();
  }

  it("tries again after a while, twice as long each time up to the longest", async () => {
    failing.add("a");
    queue.add("a");
    assert.deepEqual([await pass(4), await pass(1)], ["", "a"]);
    assert.deepEqual([await pass(9), await pass(1)], ["", "a"]);
    assert.deepEqual([await pass(19), await pass(1)], ["", "a"]);
    assert.deepEqual([await pass(29), await pass(1)], ["", "a"]);
    assert.deepEqual([await pass(29), await pass(1)], ["", "a"]);
    assert.equal(queue.size, 1);
    failing.clear();
    assert.equal(await pass(30), "a");
    assert.equal(queue.size, 0);
    assert.equal(await pass(1000), "");
  });

  it("tries one at a time, each time another, so that one which always fails keeps none from it", async () => {
    for (const item of ["a", "b", "c"]) {
      failing.add(item);
      queue.add(item);
    }
    assert.deepEqual([await pass(5), await pass(10), await pass(20), await pass(30)], ["a", "b", "c", "a"]);
  });

  it("tries the rest at once when one no longer fails, and begins with the shortest wait again", async () => {
    for (const item of ["a", "b", "c"]) {
      failing.add(item);
      queue.add(item);
    }
    await pass(5);
    await pass(10);
    failing = new Set(["a"]);
    assert.equal(await pass(20), "c,a,b");
    assert.deepEqual([queue.size, await pass(5)], [1, "a"]);
  });

  it("lets what comes during a try wait for its outcome", async () => {
    const outcome = Promise.withResolvers<boolean>();
    const slow = new RetryQueue<string>({ firstMs: 5, longestMs: 30 }, (item) => {
      tried.push(item);
      return item === "slow" ? outcome.promise : Promise.resolve(true);
    });
    slow.add("slow");
    assert.equal(await pass(5), "slow");
    slow.add("b");
    assert.equal(await pass(1000), "");
    outcome.resolve(false);
    await nextTurn();
    assert.equal(slow.size, 2);
    assert.deepEqual([await pass(9), await pass(1)], ["", "b,slow"]);
    slow.close();
  });

  it("forgets all when it is closed, and takes nothing more", async () => {
    failing.add("a");
    queue.add("a");
    queue.close();
    queue.add("b");
    assert.deepEqual([queue.size, await pass(1000)], [0, ""]);
  });
});
