import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { GapRecord } from "../kernel/segment-record.ts";
import { type FrameScan, scanFrames } from "./frame-scan.ts";
import type { SentFrame } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  type SegmentDraft,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";

function scan(t: TestContext, frames: readonly SentFrame[], draft: SegmentDraft): FrameScan {
  const root = temporaryFolder(t);
  const segment = leaveSegment(root, frames, draft);
  return scanFrames(segment, pathOf(root, segment.opening, "binPart"));
}

const tenFrames = pcmFrames(wobble(3200), 320);
const without = (...seqs: number[]) => tenFrames.filter(({ seq }) => !seqs.includes(seq));

describe("scanFrames", () => {
  it("counts frames, samples and bytes", (t) => {
    const { frameCount, firstSeq, lastSeq, sampleCount, gapSampleCount, binBytes, gaps, repeatCount } = scan(
      t,
      [...tenFrames.slice(0, 9), { seq: 9, payload: tenFrames[9]!.payload.subarray(0, 100) }],
      { format: pcmFormat },
    );
    assert.deepEqual([frameCount, firstSeq, lastSeq, repeatCount], [10, 0, 9, 0]);
    assert.deepEqual([sampleCount, gapSampleCount, binBytes], [9 * 320 + 50, 0, 9 * 652 + 112]);
    assert.deepEqual(gaps, []);
  });

  it("places gaps between frames", (t) => {
    const opening = { start: { seq: 0, sample: 5_000 } };
    const { gaps, sampleCount, gapSampleCount } = scan(t, without(2, 3, 7), { format: pcmFormat, opening });
    const rest = { isEstimated: false, cause: "not-received" } as const;
    assert.deepEqual(gaps, [
      { fromSeq: 2, toSeq: 4, startSample: 5_640, sampleCount: 640, ...rest },
      { fromSeq: 7, toSeq: 8, startSample: 7_240, sampleCount: 320, ...rest },
    ]);
    assert.deepEqual([sampleCount, gapSampleCount], [3_200, 960]);
  });

  it("takes the recorder's word for a gap in front, inside the segment", (t) => {
    const leadingGap: GapRecord = {
      fromSeq: 0,
      toSeq: 2,
      startSample: 100,
      sampleCount: 777,
      isEstimated: true,
      cause: "device-dropped",
    };
    const opening = { start: { seq: 0, sample: 100 }, leadingGap };
    const { gaps, sampleCount, firstSeq } = scan(t, without(0, 1), { format: pcmFormat, opening });
    assert.deepEqual(gaps, [leadingGap]);
    assert.deepEqual([firstSeq, sampleCount], [2, 777 + 8 * 320]);
  });

  it("notes a gap in front of the segment without counting its samples", (t) => {
    const leadingGap: GapRecord = {
      fromSeq: 0,
      toSeq: 2,
      startSample: 0,
      sampleCount: 640,
      isEstimated: false,
      cause: "not-received",
    };
    const opening = { start: { seq: 2, sample: 640 }, leadingGap };
    const { gaps, sampleCount, gapSampleCount } = scan(t, without(0, 1, 5), { format: pcmFormat, opening });
    assert.deepEqual(gaps[0], leadingGap);
    assert.equal(gaps[1]?.startSample, 640 + 3 * 320);
    assert.deepEqual([sampleCount, gapSampleCount], [8 * 320, 320]);
  });

  it("takes the cause of a gap from what was observed, but for the one in front", (t) => {
    const leadingGap: GapRecord = {
      fromSeq: 0,
      toSeq: 2,
      startSample: 0,
      sampleCount: 640,
      isEstimated: false,
      cause: "storage-failed",
    };
    const observations = { anchors: [], driftPpm: null, droppedDuplicateCount: 0, deviceDroppedSeqs: [0, 6, 8] };
    const { gaps } = scan(t, without(0, 1, 4, 6), {
      format: pcmFormat,
      opening: { leadingGap, start: { seq: 0, sample: 0 } },
      closed: { observations },
    });
    assert.deepEqual(
      gaps.map(({ fromSeq, cause }) => [fromSeq, cause]),
      [
        [0, "storage-failed"],
        [4, "not-received"],
        [6, "device-dropped"],
      ],
    );
  });

  it("estimates gaps from the frame before where the frame size varies", (t) => {
    const format = { ...adpcmFormat, frameSampleCount: 0 };
    const frames = adpcmFrames(wobble(1_000), [100, 60, 200], "low").filter(({ seq }) => seq !== 2 && seq !== 3);
    const { gaps } = scan(t, frames, { format });
    assert.deepEqual(gaps, [
      { fromSeq: 2, toSeq: 4, startSample: 160, sampleCount: 120, isEstimated: true, cause: "not-received" },
    ]);
  });

  it("counts repeats as audio [P-2.5]", (t) => {
    const { repeatCount, frameCount, sampleCount } = scan(
      t,
      tenFrames.flatMap((frame) => (frame.seq === 4 ? [frame, frame] : [frame])),
      {
        format: pcmFormat,
      },
    );
    assert.deepEqual([repeatCount, frameCount, sampleCount], [1, 11, 11 * 320]);
  });

  it("follows seq past 2^32", (t) => {
    const frames = pcmFrames(wobble(3200), 320, 2 ** 32 - 5);
    const { firstSeq, lastSeq, gaps } = scan(t, frames, { format: pcmFormat });
    assert.deepEqual([firstSeq, lastSeq, gaps], [2 ** 32 - 5, 2 ** 32 + 4, []]);
  });

  it("ends in front of a frame whose seq goes back [P-1.10]", (t) => {
    const { frameCount, binBytes } = scan(t, [...tenFrames.slice(0, 5), ...tenFrames.slice(0, 3)], {
      format: pcmFormat,
    });
    assert.deepEqual([frameCount, binBytes], [5, 5 * 652]);
  });

  it("finds the nibble order of mono ADPCM that is not configured [P-1.5]", (t) => {
    const frames = adpcmFrames(wobble(16_000), 320, "high");
    assert.deepEqual(scan(t, frames, {}).verdict, { order: "high", source: "exact" });
    assert.equal(scan(t, frames, { profile: { configuredNibbleOrder: "low" } }).verdict, undefined);
  });
});
