import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs, WallMs } from "../kernel/clock.ts";
import { UploadMeter } from "./upload-meter.ts";

function makeMeter() {
  let nowMs = 5_000_000;
  const clock = { wallMs: () => nowMs as WallMs, monotonicMs: () => nowMs as MonotonicMs };
  const meter = new UploadMeter(clock);
  return { meter, pass: (ms: number) => (nowMs += ms) };
}

describe("UploadMeter", () => {
  it("tells the mean of the last minute, and each minute of the last hour", () => {
    const { meter, pass } = makeMeter();
    meter.note(600);
    pass(5 * 60_000);
    meter.note(3_000);
    meter.note(3_000);
    const { bytesPerS, minutes, spanMs } = meter.read();
    assert.deepEqual([bytesPerS, spanMs, minutes.length], [100, 300_000, 60]);
    assert.deepEqual(
      [minutes.at(-1), minutes.at(-6)],
      [
        { files: 2, bytes: 6_000 },
        { files: 1, bytes: 600 },
      ],
    );
  });

  it("forgets what is older than an hour, and does not divide by a moment", () => {
    const { meter, pass } = makeMeter();
    meter.note(1_000);
    assert.equal(meter.read().bytesPerS, 100);
    pass(61 * 60_000);
    meter.note(60);
    const { minutes, spanMs } = meter.read();
    assert.deepEqual([minutes.reduce((sum, { bytes }) => sum + bytes, 0), spanMs], [60, 3_600_000]);
  });
});
