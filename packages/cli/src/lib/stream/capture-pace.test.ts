import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CapturePace } from "./capture-pace.ts";

const sampleRateHz = 1000;

describe("CapturePace", () => {
  it("takes audio for recorded that is more than 10 s ahead of the clock", () => {
    let nowMs = 5_000;
    const pace = new CapturePace(sampleRateHz, 60, () => nowMs);
    pace.note(10_000);
    assert.equal(pace.isRecorded, false);
    nowMs += 1_000;
    pace.note(1_000);
    assert.equal(pace.isRecorded, false);
    pace.note(1);
    assert.equal(pace.isRecorded, true);
  });

  it("knows it before a small window is full", () => {
    const pace = new CapturePace(sampleRateHz, 4, () => 0);
    pace.note(2_000);
    assert.equal(pace.isRecorded, false);
    pace.note(1);
    assert.equal(pace.isRecorded, true);
  });

  it("stays with it when the clock catches up", () => {
    let nowMs = 0;
    const pace = new CapturePace(sampleRateHz, 60, () => nowMs);
    pace.note(20_000);
    nowMs = 3_600_000;
    pace.note(1);
    assert.equal(pace.isRecorded, true);
  });

  it("takes audio for live that comes with the clock, however long", () => {
    let nowMs = 0;
    const pace = new CapturePace(sampleRateHz, 60, () => nowMs);
    for (; nowMs < 3_600_000; nowMs += 1_000) pace.note(1_000);
    assert.equal(pace.isRecorded, false);
  });
});
