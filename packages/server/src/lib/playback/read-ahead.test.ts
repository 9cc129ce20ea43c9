import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readAhead } from "./read-ahead.ts";

async function* count(to: number): AsyncGenerator<number> {
  for (let item = 0; item < to; item++) yield item;
}

describe("readAhead", () => {
  it("gives results in order, however long each takes", async () => {
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const results: number[] = [];
    const reading = (async () => {
      for await (const result of readAhead(count(3), 3, async (item) => {
        await gates[item]?.promise;
        return item;
      }))
        results.push(result);
    })();
    for (const gate of gates.toReversed()) gate.resolve();
    await reading;
    assert.deepEqual(results, [0, 1, 2]);
  });

  it("never has more on the way than it may", async () => {
    let started = 0;
    let taken = 0;
    for await (const _ of readAhead(count(50), 4, async () => ++started)) {
      taken++;
      assert.ok(started - taken < 4, `${started} started, ${taken} taken`);
    }
    assert.deepEqual([started, taken], [50, 50]);
  });

  it("tells a failure at its place, and leaves none unheard when its reader goes", async () => {
    const work = async (item: number) => {
      if (item >= 1) throw new Error(`item ${item}`);
      return item;
    };
    const results: number[] = [];
    const reading = (async () => {
      for await (const result of readAhead(count(5), 4, work)) results.push(result);
    })();
    await assert.rejects(reading, { message: "item 1" });
    assert.deepEqual(results, [0]);
    for await (const _ of readAhead(count(5), 4, work)) break;
  });
});
