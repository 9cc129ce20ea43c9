import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LevelMeter, shareOfScale } from "./level-meter.ts";

const constant = (value: number) => new Float32Array(160).fill(value);

describe("LevelMeter", () => {
  it("holds a peak for a while, then lets it fall", () => {
    const meter = new LevelMeter();
    meter.note(constant(0.5), 0);
    meter.note(constant(0.05), 1_000);
    assert.equal(meter.peakDb.toFixed(1), "-6.0");
    assert.equal(meter.rmsDb.toFixed(1), "-26.0");
    meter.note(constant(0.05), 1_600);
    assert.ok(meter.peakDb < -15 && meter.peakDb > -26.1);
    meter.note(constant(0.05), 3_000);
    assert.equal(meter.peakDb.toFixed(1), "-26.0");
  });

  it("tells when a sample was at the end of the scale", () => {
    const meter = new LevelMeter();
    meter.note(constant(0.9), 10);
    assert.equal(meter.clippedAtMs, Number.NEGATIVE_INFINITY);
    meter.note(constant(-1), 20);
    assert.equal(meter.clippedAtMs, 20);
  });
});

describe("shareOfScale", () => {
  it("spans from the floor to full scale", () => {
    assert.deepEqual([0, -30, -60, -90, Number.NEGATIVE_INFINITY].map(shareOfScale), [1, 0.5, 0, 0, 0]);
  });
});
