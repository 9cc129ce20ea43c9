import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { levelOfPower, PowerSpectrum, powerOfLevel } from "./power-spectrum.ts";

/** The power as the textbooks write it: a Hann window and each frequency by itself. */
function naivePowers(samples: readonly number[]): number[] {
  const size = samples.length;
  const windowed = samples.map((sample, n) => sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size)));
  return Array.from({ length: size / 2 }, (_, bin) => {
    const angle = (n: number) => (2 * Math.PI * bin * n) / size;
    const real = windowed.reduce((sum, value, n) => sum + value * Math.cos(angle(n)), 0);
    const imaginary = windowed.reduce((sum, value, n) => sum + value * Math.sin(angle(n)), 0);
    return (real ** 2 + imaginary ** 2) / ((32768 * size) / 4) ** 2;
  });
}

const s16 = fc.integer({ min: -32768, max: 32767 });

describe("PowerSpectrum", () => {
  it("agrees with a transform done by its definition", () => {
    const sized = fc.constantFrom(8, 16, 64, 256).chain((size) => fc.array(s16, { minLength: size, maxLength: size }));
    fc.assert(
      fc.property(sized, (samples) => {
        const powers = new Float64Array(samples.length / 2);
        new PowerSpectrum(samples.length).add(Int16Array.from(samples), 0, 1, powers);
        naivePowers(samples).forEach((expected, bin) => {
          assert.ok(Math.abs((powers[bin] as number) - expected) < 1e-9, `bin ${bin}: ${powers[bin]}, not ${expected}`);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("gives a full-scale sine a power of 1 at its bin", () => {
    const samples = Int16Array.from({ length: 256 }, (_, n) =>
      Math.round(32767 * Math.sin((2 * Math.PI * 32 * n) / 256)),
    );
    const powers = new Float64Array(128);
    new PowerSpectrum(256).add(samples, 0, 1, powers);
    assert.ok(Math.abs((powers[32] as number) - 1) < 0.001);
    assert.ok((powers[40] as number) < 1e-6);
  });

  it("adds up, takes one channel of several, and zeros behind the end", () => {
    const samples = Int16Array.from({ length: 64 * 3 }, (_, n) => (n * 7919) % 30_011);
    const second = samples.filter((_, n) => n % 3 === 1).slice(4);
    const [twice, once] = [new Float64Array(32), new Float64Array(32)];
    const spectrum = new PowerSpectrum(64);
    spectrum.add(samples, 4 * 3 + 1, 3, twice);
    spectrum.add(samples, 4 * 3 + 1, 3, twice);
    spectrum.add(Int16Array.from([...second, 0, 0, 0, 0]), 0, 1, once);
    once.forEach((power, bin) => {
      assert.ok(Math.abs((twice[bin] as number) - 2 * power) < 1e-12);
    });
  });

  it("refuses sizes that it cannot halve", () => {
    for (const size of [0, 4, 100, 255]) assert.throws(() => new PowerSpectrum(size), RangeError);
  });
});

describe("levelOfPower", () => {
  it("is 255 at full scale and a step per half dB down to 1", () => {
    assert.deepEqual([1, 2, 0.1, 1e-12, 1e-13, 0].map(levelOfPower), [255, 255, 235, 15, 1, 1]);
    for (let level = 1; level <= 255; level++) assert.equal(levelOfPower(powerOfLevel(level)), level);
    assert.equal(powerOfLevel(0), 0);
  });

  it("is what the logarithm says, also on either side of where a level begins", () => {
    const expected = (power: number) => Math.min(255, Math.max(1, Math.round(255 + 20 * Math.log10(power))));
    for (let level = 2; level <= 255; level++) {
      const start = 10 ** ((level - 0.5 - 255) / 20);
      for (const share of [0.97, 0.99, 1 - 1e-15, 1, 1 + 1e-15, 1.01, 1.03]) {
        assert.equal(levelOfPower(start * share), expected(start * share), `${start * share}`);
      }
    }
    assert.deepEqual([-1, Number.MIN_VALUE, Number.MAX_VALUE].map(levelOfPower), [1, 1, 255]);
  });
});
