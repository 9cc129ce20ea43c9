import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OverviewMeter, overviewBinCount, overviewGrid } from "./overview-meter.ts";

/** A piece of audio, or a time without. */
type Step = { readonly samples: readonly number[] } | { readonly skipped: number };

const s16 = fc.integer({ min: -32768, max: 32767 });

function measure(steps: readonly Step[], sampleRateHz: number, channels: number, expected = 0) {
  const meter = new OverviewMeter(overviewGrid(sampleRateHz, channels), expected);
  for (const step of steps) {
    if ("skipped" in step) meter.skip(step.skipped);
    else meter.push(Int16Array.from(step.samples));
  }
  return meter.finish();
}

describe("OverviewMeter", () => {
  it("finds the smallest and largest sample of each 10 ms, whatever the pieces", () => {
    const scenario = fc.record({
      channels: fc.integer({ min: 1, max: 3 }),
      pieces: fc.array(fc.oneof(fc.array(s16, { maxLength: 150 }), fc.nat(100)), { maxLength: 12 }),
      expected: fc.nat(1000),
    });
    fc.assert(
      fc.property(scenario, ({ channels, pieces, expected }) => {
        const steps = pieces.map(
          (piece): Step =>
            typeof piece === "number"
              ? { skipped: piece }
              : { samples: piece.slice(0, piece.length - (piece.length % channels)) },
        );
        const line = steps.flatMap((step): readonly (number | null)[] =>
          "skipped" in step ? new Array<null>(step.skipped * channels).fill(null) : step.samples,
        );
        const overview = measure(steps, 4_000, channels, expected);
        assert.equal(overview.sampleCount, line.length / channels);
        const peaks: number[] = [];
        for (let at = 0; at < line.length; at += 40 * channels) {
          for (let channel = 0; channel < channels; channel++) {
            const own = line.slice(at, at + 40 * channels).filter((_, n) => n % channels === channel);
            const values = own.filter((value): value is number => value !== null);
            peaks.push(Math.min(32767, ...values), Math.max(-32768, ...values));
          }
        }
        assert.deepEqual([...overview.peaks], peaks);
        assert.equal(overview.columns.length, Math.ceil(line.length / channels / 800) * overviewBinCount);
      }),
    );
  });

  it("has a tone at its frequency, and nothing where nothing was recorded", () => {
    const tone = Array.from({ length: 6_400 }, (_, n) => 16_384 * Math.sin((2 * Math.PI * 1_000 * n) / 16_000));
    const { columns, columnSamples } = measure([{ samples: tone }, { skipped: 3_200 }], 16_000, 1);
    assert.equal(columnSamples, 3_200);
    const levels = Array.from({ length: 3 }, (_, n) => columns.subarray(n * 128, (n + 1) * 128));
    for (const column of levels.slice(0, 2)) {
      assert.equal(column.indexOf(Math.max(...column)), 16);
      // Half of full scale is 6 dB less.
      assert.equal(Math.max(...column), 255 - 12);
    }
    assert.ok(levels[2]?.every((level) => level === 0));
  });

  it("adds the power of channels, so that opposite ones do not vanish", () => {
    const tone = Array.from({ length: 6_400 }, (_, n) => 16_384 * Math.sin((2 * Math.PI * 1_000 * n) / 16_000));
    const { columns } = measure([{ samples: tone.flatMap((sample) => [sample, -sample]) }], 16_000, 2);
    assert.equal(columns[16], 255 - 12);
  });
});
