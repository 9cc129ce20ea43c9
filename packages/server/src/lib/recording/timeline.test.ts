import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProtocolError } from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";
import type { ResumePoint, SessionRecord } from "../kernel/segment-record.ts";
import { pcmFormat, startWallMs } from "./recording.test-support.ts";
import { Timeline } from "./timeline.ts";

function recordOf(isAcked: boolean): SessionRecord {
  return {
    session: "s0000000",
    hwid: "mic",
    streamId: 7,
    format: pcmFormat,
    start: { startMs: startWallMs, rule: "device-synced", deviceMs: startWallMs, serverMs: startWallMs, warning: null },
    profile: {},
    isAcked,
  };
}

function pointAt(seq: number, sample: number): ResumePoint {
  return { record: recordOf(true), next: { seq, sample }, nextIndex: 3, lastFrameSampleCount: 80, lastActiveMs: 0 };
}

/** Places frames of 80 samples and tells what they were. */
function place(timeline: Timeline, ...seqs: number[]): string[] {
  return seqs.map((seq) => {
    const placement = timeline.place(seq % 2 ** 32);
    if (placement.kind === "known" || placement.kind === "foreign") return placement.kind;
    if (placement.kind === "gap") timeline.skip(placement.gap);
    timeline.advance(80, 0 as MonotonicMs);
    if (placement.kind === "next") return placement.isRepeat ? "repeat" : "next";
    const { fromSeq, toSeq, cause } = placement.gap;
    timeline.takeAnchor();
    return `gap ${fromSeq}-${toSeq} ${cause}`;
  });
}

const anchor = (seq: number, droppedFrameCount = 0) =>
  ({ kind: "anchor", seq, captureMs: 5, captureUs: 6, droppedFrameCount }) as const;

describe("Timeline", () => {
  it("takes what comes again on a plain connection, and gives what goes back to another session [P-1.10] [P-2.5]", () => {
    assert.deepEqual(place(new Timeline(recordOf(false)), 5, 6, 6, 7, 5), [
      "next",
      "next",
      "repeat",
      "next",
      "foreign",
    ]);
  });

  it("knows in an acknowledged session what it has, across the wrap [P-2.2] [P-2.3]", () => {
    const timeline = new Timeline(recordOf(true));
    const origin = 2 ** 32 - 2;
    assert.deepEqual(place(timeline, origin, origin + 1, origin + 2, origin + 1, origin, origin - 5, origin + 3), [
      ...["next", "next", "next", "known", "known", "known", "next"],
    ]);
    assert.equal(timeline.nextSeq, origin + 4);
    assert.equal(timeline.firstSeq, origin);
    assert.equal(timeline.sample, 4 * 80);
  });

  it("goes on where the session stood [P-2.7]", () => {
    const timeline = new Timeline(recordOf(true), pointAt(2 ** 32 + 10, 1_000));
    assert.deepEqual([timeline.nextSeq, timeline.firstSeq, timeline.sample], [2 ** 32 + 10, 2 ** 32 + 10, 1_000]);
    assert.deepEqual(place(timeline, 2 ** 32 + 9, 2 ** 32 + 10), ["known", "next"]);
  });

  it("blames the device for a gap that its anchor declares, and nobody else for others", () => {
    const timeline = new Timeline(recordOf(true));
    place(timeline, 0);
    timeline.anchor(anchor(3, 2));
    assert.deepEqual(place(timeline, 3), ["gap 1-3 device-dropped"]);
    assert.deepEqual(place(timeline, 5), ["gap 4-5 not-received"]);
    // The count has not grown: this gap is not the device's.
    timeline.anchor(anchor(8, 2));
    assert.deepEqual(place(timeline, 8), ["gap 6-8 not-received"]);
    // The anchor is of another frame.
    timeline.anchor(anchor(10, 4));
    assert.deepEqual(place(timeline, 12), ["gap 9-12 not-received"]);
  });

  it("believes a drop that is told again because the connection broke", () => {
    const timeline = new Timeline(recordOf(true));
    place(timeline, 0);
    timeline.anchor(anchor(3, 2));
    timeline.anchor(anchor(3, 2));
    assert.deepEqual(place(timeline, 3), ["gap 1-3 device-dropped"]);
  });

  it("learns nothing of drops from the anchor of a frame that it has", () => {
    const timeline = new Timeline(recordOf(true));
    place(timeline, 0);
    timeline.anchor(anchor(3, 2));
    place(timeline, 3);
    timeline.anchor(anchor(0, 0));
    assert.deepEqual(place(timeline, 0), ["known"]);
    timeline.anchor(anchor(6, 2));
    assert.deepEqual(place(timeline, 6), ["gap 4-6 not-received"]);
  });

  it("gives the anchor of the frame that it names, unwrapped", () => {
    const timeline = new Timeline(recordOf(true), pointAt(2 ** 32, 0));
    timeline.anchor(anchor(0));
    place(timeline, 2 ** 32);
    assert.deepEqual(timeline.takeAnchor(), { seq: 2 ** 32, captureMs: 5, captureUs: 6 });
    assert.equal(timeline.takeAnchor(), undefined);
    timeline.anchor(anchor(7));
    place(timeline, 2 ** 32 + 1);
    assert.equal(timeline.takeAnchor(), undefined);
  });

  it("takes a gap of two days and refuses a longer one, which leaves it as it was [P-2.3]", () => {
    const timeline = new Timeline(recordOf(true));
    place(timeline, 0);
    const frames = (2 * 24 * 60 * 60 * 1000) / 20;
    assert.throws(
      () => timeline.place(frames + 2),
      (error) => error instanceof ProtocolError && error.code === "FRAME_SEQ_JUMP" && /48 h/.test(error.message),
    );
    assert.equal(timeline.nextSeq, 1);
    assert.deepEqual(place(timeline, frames + 1), [`gap 1-${frames + 1} not-received`]);
  });

  it("gives a jump of more than a day to another session on a plain connection [P-1.10]", () => {
    const timeline = new Timeline(recordOf(false));
    const frames = (24 * 60 * 60 * 1000) / 20;
    assert.deepEqual(place(timeline, 0, frames + 2), ["next", "foreign"]);
  });
});
