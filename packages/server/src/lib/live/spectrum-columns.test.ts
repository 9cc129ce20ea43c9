import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drawSpectrogram } from "@eet/audio";
import { SpectrumColumns } from "./spectrum-columns.ts";

const mono = { sampleRateHz: 16_000, channels: 1 };

/** A tone at the middle of a bin, at full scale. */
function makeTone(bin: number, binCount: number, sampleCount: number, channels = 1): Int16Array {
  return Int16Array.from({ length: sampleCount * channels }, (_, index) =>
    Math.round(32_767 * Math.sin((Math.PI * bin * Math.floor(index / channels)) / binCount)),
  );
}

function measure(format: typeof mono, binCount: number) {
  const columns: { readonly start: number; readonly levels: Uint8Array }[] = [];
  return { columns, meter: new SpectrumColumns(format, binCount, (start, levels) => columns.push({ start, levels })) };
}

const loudest = (levels: Uint8Array) => levels.indexOf(Math.max(...levels));

describe("SpectrumColumns", () => {
  it("measures 20 columns a second on the scale of the archive's", () => {
    const { columns, meter } = measure(mono, 128);
    meter.push(makeTone(40, 128, 16_000), 0);
    assert.deepEqual(
      columns.map(({ start }) => start),
      Array.from({ length: 20 }, (_, index) => index * 800),
    );
    for (const { levels } of columns) assert.deepEqual([loudest(levels), Math.max(...levels)], [40, 255]);
  });

  for (const [sampleRateHz, binCount] of [
    [8_000, 128],
    [16_000, 256],
    [48_000, 256],
  ] as const) {
    it(`gives of noise what the archive gives, at ${sampleRateHz} Hz in ${binCount} bins`, () => {
      let state = 1;
      const samples = Int16Array.from({ length: sampleRateHz }, () => {
        state = (state * 48_271) % 2_147_483_647;
        return (state % 20_001) - 10_000;
      });
      const { columns, meter } = measure({ sampleRateHz, channels: 1 }, binCount);
      meter.push(samples, 0);
      const drawn = drawSpectrogram({ samples, channels: 1, missing: [] }, 20, binCount);
      assert.deepEqual(Buffer.concat(columns.map(({ levels }) => levels)), Buffer.from(drawn));
    });
  }

  it("looks back where a spectrum is longer than a column, of all channels", () => {
    const { columns, meter } = measure({ ...mono, channels: 2 }, 512);
    meter.push(makeTone(100, 512, 4_000, 2), 0);
    // In front of the first one there is nothing to look back at.
    for (const { levels } of columns.slice(1)) assert.deepEqual([loudest(levels), Math.max(...levels)], [100, 255]);
    assert.equal(columns.length, 5);
  });

  it("leaves out columns in which nothing came, and forgets what lay before", () => {
    const { columns, meter } = measure(mono, 512);
    meter.push(makeTone(10, 512, 1_000), 0);
    meter.push(new Int16Array(800), 8_000);
    assert.deepEqual(
      columns.map(({ start }) => start),
      [0, 800, 8_000],
    );
    assert.deepEqual(new Set(columns[2]?.levels), new Set([1]));
  });

  it("leaves out what is cut where it begins or goes on, and what would look back at nothing", () => {
    const { columns, meter } = measure(mono, 512);
    assert.equal(meter.begin(700), 1_600, "224 samples of the column before are looked back at");
    meter.push(makeTone(100, 512, 2_000), 700);
    assert.equal(meter.begin(4_000), 4_800);
    meter.push(makeTone(100, 512, 2_400), 4_000);
    assert.deepEqual(
      columns.map(({ start }) => start),
      [1_600, 4_800, 5_600],
    );
    for (const { levels } of columns) assert.deepEqual([loudest(levels), Math.max(...levels)], [100, 255]);
  });

  it("does not mind how samples are cut", () => {
    const [whole, cut] = [measure(mono, 256), measure(mono, 256)];
    const tone = makeTone(3, 256, 4_000);
    whole.meter.push(tone, 0);
    for (let at = 0; at < tone.length; at += 37) cut.meter.push(tone.subarray(at, at + 37), at);
    assert.deepEqual(cut.columns, whole.columns);
    assert.equal(whole.columns.length, 5);
  });
});
