import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyTally, joinTallies, tallyFrom } from "./spool-tally.ts";

const tally = { firstSeq: 10, nextSeq: 20, frameCount: 10, sampleCount: 4_800 };

describe("joinTallies", () => {
  it("adds two runs, and an empty one is nothing", () => {
    const second = { firstSeq: 25, nextSeq: 26, frameCount: 1, sampleCount: 7 };
    assert.deepEqual(joinTallies(tally, second), { firstSeq: 10, nextSeq: 26, frameCount: 11, sampleCount: 4_807 });
    assert.equal(joinTallies(emptyTally(3), tally), tally);
    assert.equal(joinTallies(tally, emptyTally(20)), tally);
  });
});

describe("tallyFrom", () => {
  it("counts what is left from a seq on", () => {
    assert.equal(tallyFrom(tally, 10), tally);
    assert.deepEqual(tallyFrom(tally, 13), { firstSeq: 13, nextSeq: 20, frameCount: 7, sampleCount: 3_360 });
    assert.equal(tallyFrom(tally, 20).frameCount, 0);
    assert.equal(tallyFrom(tally, 99).sampleCount, 0);
  });

  it("goes by proportion where seqs are missing", () => {
    assert.deepEqual(tallyFrom({ firstSeq: 0, nextSeq: 10, frameCount: 5, sampleCount: 500 }, 4), {
      firstSeq: 4,
      nextSeq: 10,
      frameCount: 3,
      sampleCount: 300,
    });
  });

  it("never says none while the last frame is left, nor more than there is room for", () => {
    const sparse = { firstSeq: 0, nextSeq: 1_000, frameCount: 2, sampleCount: 20 };
    assert.deepEqual(tallyFrom(sparse, 999), { firstSeq: 999, nextSeq: 1_000, frameCount: 1, sampleCount: 10 });
    assert.equal(tallyFrom({ ...sparse, frameCount: 998 }, 1).frameCount, 997);
    assert.equal(tallyFrom({ ...sparse, frameCount: 0, sampleCount: 0 }, 1_000).frameCount, 0);
  });
});
