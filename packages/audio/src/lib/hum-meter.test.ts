import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HumMeter } from "./hum-meter.ts";

/** Deterministic noise, -1 to 1. */
function createNoise(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

interface Signal {
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly seconds?: number;
}

/** Samples of the first channel; the others hold noise. */
function synthesise(
  valueAt: (seconds: number) => number,
  { sampleRateHz = 16_000, channels = 1, seconds = 6 }: Signal,
) {
  const noise = createNoise();
  return Int16Array.from({ length: sampleRateHz * seconds * channels }, (_, index) => {
    const isFirst = index % channels === 0;
    return Math.round((isFirst ? valueAt(Math.floor(index / channels) / sampleRateHz) : 0.3 * noise()) * 32767);
  });
}

function measure(samples: Int16Array, { sampleRateHz = 16_000, channels = 1 }: Signal = {}, pieceLength = 320) {
  const meter = new HumMeter({ sampleRateHz, channels });
  for (let at = 0; at < samples.length; at += pieceLength * channels)
    meter.push(samples.subarray(at, at + pieceLength * channels));
  return meter.share;
}

const tone = (frequencyHz: number, amplitude: number) => (seconds: number) =>
  amplitude * Math.sin(2 * Math.PI * frequencyHz * seconds);

/** As a rectifier makes it: many harmonics, those further up weaker. */
const hum = (frequencyHz: number, amplitude: number) => (seconds: number) =>
  [1, 2, 3, 4, 5, 6, 7].reduce((sum, k) => sum + tone(k * frequencyHz, amplitude / k)(seconds + 0.1 * k), 0);

describe("HumMeter", () => {
  it("finds hum of either mains at every rate and with other channels beside it", () => {
    for (const sampleRateHz of [4_000, 8_000, 16_000, 22_050, 44_100, 48_000, 96_000]) {
      for (const frequencyHz of [49.85, 50, 60.1]) {
        const signal = { sampleRateHz, channels: 2 };
        const share = measure(synthesise(hum(frequencyHz, 0.2), signal), signal);
        assert.ok(share !== null && share > 0.97, `${frequencyHz} Hz at ${sampleRateHz}: ${share}`);
      }
    }
  });

  it("finds hum that is hardly louder than the steps of the converter", () => {
    assert.ok((measure(synthesise(hum(50, 0.0005), {})) ?? 0) > 0.9);
  });

  it("does not depend on how the samples are cut", () => {
    const samples = synthesise(hum(50, 0.2), {});
    assert.equal(measure(samples, {}, 1), measure(samples, {}, 100_000));
  });

  it("tells the share of hum in noise", () => {
    const noise = createNoise();
    // A sine of 0.2 has the power 0.02, noise of 0.245 the same.
    const share = measure(synthesise((s) => tone(50, 0.2)(s) + 0.245 * noise(), {}));
    assert.ok(share !== null && Math.abs(share - 0.5) < 0.03, `${share}`);
  });

  it("takes other tones, noise and rumble for what they are", () => {
    const noise = createNoise();
    let rumble = 0;
    const signals = {
      tone: synthesise(tone(440, 0.3), {}),
      between: synthesise(tone(75, 0.3), {}),
      noise: synthesise(() => 0.3 * noise(), {}),
      rumble: synthesise(() => {
        rumble += 0.02 * (noise() - rumble);
        return rumble;
      }, {}),
    };
    for (const [name, samples] of Object.entries(signals)) {
      const share = measure(samples);
      assert.ok(share !== null && share < 0.3, `${name}: ${share}`);
    }
  });

  it("takes an offset and silence for no hum", () => {
    assert.equal(measure(synthesise(() => 0.25, {})), 0);
    assert.equal(measure(synthesise(() => 0, {})), 0);
  });

  it("says nothing of less than a second, and of pieces between gaps that are shorter", () => {
    assert.equal(measure(synthesise(hum(50, 0.2), { seconds: 1 })), null);
    const meter = new HumMeter({ sampleRateHz: 16_000, channels: 1 });
    for (let gap = 0; gap < 20; gap += 1) {
      meter.push(synthesise(hum(50, 0.2), { seconds: 1 }));
      meter.skip();
    }
    assert.equal(meter.share, null);
  });
});
