import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CaptureClock, type CaptureMoment } from "./capture-clock.ts";

const rateHz = 16_000;
const pieceCount = 640;
const pieceMs = (pieceCount / rateHz) * 1000;
const startMs = 1_700_000_000_000;
/** The clock that never jumps began so long before the recording. */
const upMs = 5_000;

/** Feeds pieces that are late by other amounts each time. @param ppm - how much faster the input's clock runs */
function feed(count: number, ppm: number, stepMs = 0): readonly CaptureMoment[] {
  const clock = new CaptureClock(rateHz);
  const trueMs = pieceMs / (1 + ppm / 1e6);
  return Array.from({ length: count }, (_, index) => {
    const lateMs = (index * 7) % 13;
    const jumpMs = index >= count / 2 ? stepMs : 0;
    const endMs = startMs + (index + 1) * trueMs + lateMs + jumpMs;
    return clock.note(pieceCount, endMs, startMs - upMs + jumpMs);
  });
}

describe("CaptureClock", () => {
  it("tells of each piece when it was captured, however late it came", () => {
    for (const [index, { captureMs, captureUs }] of feed(1_000, 0).entries()) {
      // The first ones have nothing to compare with.
      if (index < 13) continue;
      assert.ok(Math.abs(captureMs - (startMs + index * pieceMs)) < 1e-3, `${index}`);
      assert.ok(Math.abs(captureUs / 1000 - (upMs + index * pieceMs)) < 1e-3, `${index}`);
    }
  });

  it("follows an input whose clock runs otherwise than the machine's", () => {
    for (const ppm of [-200, 80]) {
      const moments = feed(15_000, ppm);
      const [first, last] = [moments[1_000], moments[14_000]];
      const elapsedMs = ((last?.captureUs ?? 0) - (first?.captureUs ?? 0)) / 1000;
      const measured = ((13_000 * pieceMs) / elapsedMs - 1) * 1e6;
      assert.ok(Math.abs(measured - ppm) < 5, `${measured}`);
    }
  });

  it("lets a step of the wall clock move the wall clock alone", () => {
    const moments = feed(1_000, 0, 60_000);
    const [before, after] = [moments[400], moments[900]];
    assert.ok(Math.abs((after?.captureUs ?? 0) - (before?.captureUs ?? 0) - 500 * pieceMs * 1000) < 1);
    assert.ok(Math.abs((after?.captureMs ?? 0) - (before?.captureMs ?? 0) - 500 * pieceMs - 60_000) < 1e-3);
  });
});
