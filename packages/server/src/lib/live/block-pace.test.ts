import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BlockPace } from "./block-pace.ts";
import type { LevelBlock } from "./level-blocks.ts";

const blockAt = (endSample: number): LevelBlock => ({
  ...{ endSample, peaks: [endSample], powers: [endSample] },
  ...{ clippedCount: 0, isAfterGap: false, isAfterSkip: false },
});

describe("BlockPace", () => {
  it("gives what a long frame brings at once one after the other", () => {
    const pace = new BlockPace();
    pace.expect(1_000);
    for (let index = 1; index <= 10; index += 1) pace.push(blockAt(index));
    const given = Array.from({ length: 11 }, () => pace.next()?.endSample);
    assert.deepEqual(given, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, undefined]);
  });

  it("does not fall behind: what waits longer than a frame and a tick is given together", () => {
    const pace = new BlockPace();
    pace.expect(20);
    for (let index = 1; index <= 6; index += 1) pace.push(blockAt(index));
    assert.deepEqual([pace.next()?.peaks, pace.next()?.peaks, pace.next()], [[5], [6], undefined]);
  });

  it("keeps 2 s at most, however long frames are", () => {
    const pace = new BlockPace();
    pace.expect(500_000);
    for (let index = 1; index <= 5_000; index += 1) pace.push(blockAt(index));
    const given: LevelBlock[] = [];
    for (let block = pace.next(); block !== undefined; block = pace.next()) given.push(block);
    assert.equal(given.length, 21);
    assert.equal(given.at(-1)?.endSample, 5_000);
  });
});
