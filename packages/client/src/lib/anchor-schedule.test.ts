import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnchorSchedule } from "./anchor-schedule.ts";

/** One second of audio. */
const frame = {
  message: new Uint8Array(0),
  sampleCount: 16_000,
  captured: { captureMs: 1_700_000_000_000, captureUs: 42 },
};

describe("AnchorSchedule", () => {
  it("anchors the first frame of a connection and then one every 30 s of audio [P-2.1]", () => {
    const anchors = new AnchorSchedule(16_000);
    const anchored = () =>
      Array.from({ length: 70 }, (_, seq) => seq).filter((seq) => anchors.next(seq, frame, 0) !== undefined);
    assert.deepEqual(anchored(), [0, 30, 60]);
    anchors.reset();
    assert.deepEqual(anchored(), [0, 30, 60]);
  });

  it("carries the frame's clocks and what was dropped", () => {
    assert.deepEqual(new AnchorSchedule(16_000).next(7, frame, 3), {
      kind: "anchor",
      seq: 7,
      captureMs: 1_700_000_000_000,
      captureUs: 42,
      droppedFrameCount: 3,
    });
  });

  it("anchors the first frame behind dropped ones, once", () => {
    const anchors = new AnchorSchedule(16_000);
    anchors.next(0, frame, 0);
    assert.equal(anchors.next(1, frame, 0), undefined);
    assert.equal(anchors.next(5, frame, 3)?.droppedFrameCount, 3);
    assert.equal(anchors.next(6, frame, 3), undefined);
  });

  it("declares to a fresh session only what was dropped since it began", () => {
    const anchors = new AnchorSchedule(16_000);
    anchors.next(0, frame, 4);
    anchors.restart(4);
    assert.equal(anchors.next(5, frame, 4)?.droppedFrameCount, 0);
    assert.equal(anchors.next(9, frame, 6)?.droppedFrameCount, 2);
  });
});
