import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { columnBounds, drawPeaks, drawSpectrogram, spectrumSizeFor } from "./range-columns.ts";

describe("drawPeaks", () => {
  it("finds the smallest and largest recorded sample of each column", () => {
    const scenario = fc.record({
      channels: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 300 }),
      width: fc.integer({ min: 1, max: 400 }),
      marks: fc.uniqueArray(fc.nat(299), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(scenario, ({ channels, count, width, marks }) => {
        const samples = Int16Array.from({ length: count * channels }, (_, n) => ((n * 7919) % 65_536) - 32_768);
        const bounds = marks.filter((mark) => mark <= count).sort((a, b) => a - b);
        const missing = bounds.flatMap((from, n): [number, number][] => {
          const to = bounds[n + 1];
          return n % 2 === 0 && to !== undefined ? [[from, to]] : [];
        });
        const peaks = drawPeaks({ samples, channels, missing }, width);
        peaks.forEach((pairs, channel) => {
          for (let column = 0; column < width; column++) {
            const [from, to] = columnBounds(column, width, count);
            const places = Array.from({ length: to - from }, (_, n) => from + n).filter(
              (place) => !missing.some(([start, end]) => place >= start && place < end),
            );
            const values = places.map((place) => samples[place * channels + channel] as number);
            const expected = [Math.min(32767, ...values), Math.max(-32768, ...values)];
            assert.deepEqual([...pairs.subarray(column * 2, column * 2 + 2)], expected);
          }
        });
      }),
    );
  });
});

describe("drawSpectrogram", () => {
  it("shows when a tone sounded and how high it was, and nothing in gaps", () => {
    const samples = Int16Array.from({ length: 16_000 }, (_, n) => {
      const hz = n < 8_000 ? 1_000 : 4_000;
      return 32_767 * Math.sin((2 * Math.PI * hz * n) / 16_000);
    });
    const levels = drawSpectrogram({ samples, channels: 1, missing: [[4_000, 6_000]] }, 8, 128);
    const loudest = Array.from({ length: 8 }, (_, column) => {
      const own = levels.subarray(column * 128, (column + 1) * 128);
      return own.every((level) => level === 0) ? null : own.indexOf(Math.max(...own));
    });
    assert.deepEqual(loudest, [16, 16, null, 16, 64, 64, 64, 64]);
  });

  it("draws ranges shorter than one transform", () => {
    const samples = Int16Array.from({ length: 10 }, (_, n) => n * 100);
    const levels = drawSpectrogram({ samples, channels: 1, missing: [] }, 20, 128);
    assert.ok(levels.every((level) => level > 0));
  });
});

describe("spectrumSizeFor", () => {
  it("has at least as many frequencies as rows, within bounds", () => {
    assert.deepEqual([1, 128, 129, 512, 1024].map(spectrumSizeFor), [256, 256, 512, 1024, 2048]);
  });
});
