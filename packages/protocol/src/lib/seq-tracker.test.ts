import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SeqTracker } from "./seq-tracker.ts";

describe("SeqTracker", () => {
  it("takes the first frame's seq as the origin [P-2.3]", () => {
    const tracker = new SeqTracker();
    assert.equal(tracker.track(77), "next");
    assert.equal(tracker.nextSeq, 78);
  });

  it("counts missing frames", () => {
    const tracker = new SeqTracker(10);
    assert.equal(tracker.track(13), "gap");
    assert.equal(tracker.missingCount, 3);
    assert.equal(tracker.nextSeq, 14);
  });

  it("tells a repeat from a device that numbers anew [P-1.10]", () => {
    const tracker = new SeqTracker(10);
    assert.equal(tracker.track(9), "repeat");
    assert.equal(tracker.track(8), "back");
    assert.equal(tracker.nextSeq, 10);
  });

  it("goes on past 2^32 [P-2.2]", () => {
    const tracker = new SeqTracker();
    tracker.track(0xffffffff);
    assert.equal(tracker.track(0), "next");
    assert.equal(tracker.nextSeq, 0x1_0000_0001);
    assert.equal(tracker.track(2), "gap");
    assert.equal(tracker.missingCount, 1);
  });

  it("adds up to the distance covered, whatever gaps come", () => {
    const jumps = fc.array(fc.integer({ min: 0, max: 0x7ffffffe }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), jumps, (origin, gaps) => {
        const tracker = new SeqTracker();
        tracker.track(origin);
        let expected = origin + 1;
        for (const gap of gaps) {
          expected += gap + 1;
          assert.equal(tracker.track((expected - 1) % 2 ** 32), gap === 0 ? "next" : "gap");
          assert.equal(tracker.missingCount, gap);
          assert.equal(tracker.nextSeq, expected);
        }
      }),
    );
  });
});
