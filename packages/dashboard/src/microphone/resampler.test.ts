import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Resampler } from "./resampler.ts";

function tone(hz: number, rateHz: number, sampleCount: number): Float32Array {
  return Float32Array.from({ length: sampleCount }, (_, index) => Math.sin((2 * Math.PI * hz * index) / rateHz));
}

/** Runs a second of a tone through it, in pieces of odd sizes. */
function resample(hz: number, inputHz: number, outputHz: number): Float32Array {
  const resampler = new Resampler(inputHz, outputHz);
  const input = tone(hz, inputHz, inputHz);
  const pieces: number[] = [];
  for (let at = 0, size = 1; at < input.length; at += size, size = (size * 7) % 1_009) {
    pieces.push(...resampler.push(input.subarray(at, at + size)));
  }
  return Float32Array.from(pieces);
}

/** What is left of `samples` when the tone that is wanted is taken out, dB below it. */
function noiseDb(samples: Float32Array, hz: number, rateHz: number): number {
  // The ends lack neighbours.
  const middle = samples.subarray(rateHz / 10, samples.length - rateHz / 10);
  const wanted = tone(hz, rateHz, samples.length).subarray(rateHz / 10, samples.length - rateHz / 10);
  const power = middle.reduce((sum, sample, index) => sum + (sample - (wanted[index] ?? 0)) ** 2, 0) / middle.length;
  return 10 * Math.log10(power / 0.5);
}

describe("Resampler", () => {
  it("keeps tones of the band as they are, in time and level, from every usual rate to both", () => {
    for (const inputHz of [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]) {
      for (const outputHz of [16_000, 48_000]) {
        if (inputHz === outputHz) continue;
        for (const hz of [100, 1_000, 0.43 * Math.min(inputHz, outputHz)]) {
          const db = noiseDb(resample(hz, inputHz, outputHz), hz, outputHz);
          assert.ok(db < -75, `${hz} Hz, ${inputHz} to ${outputHz} Hz: ${db} dB`);
        }
      }
    }
  });

  it("lets nothing of what lies above the band fold into it", () => {
    for (const hz of [8_050, 9_000, 15_000, 23_000]) {
      const folded = resample(hz, 48_000, 16_000).subarray(1_600, -1_600);
      const peak = folded.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      assert.ok(20 * Math.log10(peak) < -80, `${hz} Hz: ${20 * Math.log10(peak)} dB`);
    }
  });

  it("gives as many samples as the time takes", () => {
    assert.ok(Math.abs(resample(440, 44_100, 16_000).length - 16_000) < 60);
    assert.ok(Math.abs(resample(440, 16_000, 48_000).length - 48_000) < 400);
  });
});
