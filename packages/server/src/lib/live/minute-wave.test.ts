import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MinuteWave } from "./minute-wave.ts";

const startMs = Date.UTC(2026, 0, 1);

describe("MinuteWave", () => {
  it("knows the highest peak of each of the last 60 seconds", () => {
    const wave = new MinuteWave();
    wave.push(startMs, -30);
    wave.push(startMs + 900, -20.04);
    wave.push(startMs + 999, -40);
    wave.push(startMs + 2_500, -10);
    const read = wave.read(startMs + 2_900);
    assert.equal(read.length, 60);
    assert.deepEqual(read.slice(-4), [null, -20, null, -10]);
  });

  it("gives 0 for full scale only", () => {
    const wave = new MinuteWave();
    wave.push(startMs, -0.01);
    wave.push(startMs + 1_000, 0);
    assert.deepEqual(wave.read(startMs + 1_000).slice(-2), [-0.1, 0]);
  });

  it("forgets what is older than a minute", () => {
    const wave = new MinuteWave();
    wave.push(startMs, -1);
    wave.push(startMs + 60_000, -2);
    assert.deepEqual(new Set(wave.read(startMs + 60_000)), new Set([null, -2]));
    assert.equal(wave.read(startMs + 119_999)[0], -2);
    assert.deepEqual(new Set(wave.read(startMs + 120_000)), new Set([null]));
  });
});
