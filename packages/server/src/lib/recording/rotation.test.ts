import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RecordFormat } from "../kernel/segment-record.ts";
import { Rotation } from "./rotation.ts";

const format: RecordFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 2, frameSampleCount: 320 };

describe("Rotation", () => {
  it("ends a segment when a full one is reached, counted from its own start [S-1.3]", () => {
    const rotation = new Rotation(format, { rotateS: 10 });
    assert.equal(rotation.endReason(0, 159_999, 0), undefined);
    assert.equal(rotation.endReason(0, 160_000, 0), "rotation");
    assert.equal(rotation.endReason(1_000, 160_999, 0), undefined);
    assert.equal(rotation.endReason(1_000, 161_000, 0), "rotation");
  });

  it("ends aligned segments at whole multiples of UTC [S-1.3]", () => {
    const rotation = new Rotation(format, { rotateS: 10, alignedStartMs: Date.UTC(2026, 0, 1, 0, 0, 7, 500) });
    assert.equal(rotation.endReason(0, 39_999, 0), undefined);
    assert.equal(rotation.endReason(0, 40_000, 0), "rotation");
    assert.equal(rotation.endReason(40_000, 199_999, 0), undefined);
    assert.equal(rotation.endReason(40_100, 200_000, 0), "rotation");
  });

  it("ends a segment for the size of its frames or of its WAV [S-1.5]", () => {
    const rotation = new Rotation(format, { rotateS: 3_600, maxSegmentBytes: 40_000 });
    assert.equal(rotation.endReason(0, 9_999, 39_999), undefined);
    assert.equal(rotation.endReason(0, 0, 40_000), "size-limit");
    assert.equal(rotation.endReason(500, 10_499, 0), undefined);
    assert.equal(rotation.endReason(500, 10_500, 0), "size-limit");
  });

  it("keeps WAVs below 2 GiB unless it is told otherwise [S-1.5]", () => {
    const large: RecordFormat = { ...format, sampleRateHz: 192_000, channels: 8 };
    const rotation = new Rotation(large, { rotateS: 3_600 });
    const sampleCount = 2 ** 31 / 16;
    assert.equal(rotation.endReason(0, sampleCount, 0), "size-limit");
    assert.equal(rotation.endReason(0, sampleCount - 200_000, 0), undefined);
  });

  it("fills gaps up to one rotation [S-1.5]", () => {
    const rotation = new Rotation(format, { rotateS: 10 });
    assert.equal(rotation.isFilled(160_000, 0, 159_000), true);
    assert.equal(rotation.isFilled(160_001, 0, 0), false);
  });

  it("fills no gap that makes the WAV too large [S-1.5]", () => {
    const rotation = new Rotation(format, { rotateS: 10, maxSegmentBytes: 40_000 });
    assert.equal(rotation.isFilled(4_999, 0, 5_000), true);
    assert.equal(rotation.isFilled(5_000, 0, 5_000), false);
  });

  it("has segments of at least one sample", () => {
    const rotation = new Rotation({ ...format, sampleRateHz: 4_000 }, { rotateS: 0.0001 });
    assert.equal(rotation.endReason(0, 0, 0), undefined);
    assert.equal(rotation.endReason(0, 1, 0), "rotation");
  });
});
