import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Column } from "./column-runs.ts";
import { type LevelBlock, LevelBlocks } from "./level-blocks.ts";
import { PastMeter, type PastPicture } from "./past-meter.ts";
import { SpectrumColumns } from "./spectrum-columns.ts";

const binCount = 128;

/** Something of which no two stretches are alike. */
function makeNoise(valueCount: number): Int16Array {
  let state = 1;
  return Int16Array.from({ length: valueCount }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 16) - 32_768;
  });
}

/** Of a session of which all is seen, or what comes live from a sample on. */
function measureLive(format: { readonly sampleRateHz: number; readonly channels: number }, all: Int16Array, from = 0) {
  const [columns, blocks]: [Column[], LevelBlock[]] = [[], []];
  const spectrum = new SpectrumColumns(format, binCount, (start, levels) => columns.push({ start, levels }));
  const levels = new LevelBlocks(format, (block) => blocks.push(block));
  for (const meter of [spectrum, levels]) {
    meter.begin(from);
    meter.push(all.subarray(from * format.channels), from);
  }
  return { columns, blocks };
}

function columnsOf({ runs }: PastPicture): readonly Column[] {
  return runs.flatMap(({ start, columnSamples, columns }) =>
    columns.map((levels, place) => ({ start: start + place * columnSamples, levels })),
  );
}

const formats = fc.record({
  sampleRateHz: fc.constantFrom(4_000, 4_410, 8_000, 11_025),
  channels: fc.integer({ min: 1, max: 2 }),
});

describe("PastMeter", () => {
  it("gives with what comes live each column once and as it is, and each level", () => {
    fc.assert(
      fc.property(formats, fc.double({ min: 0, max: 1, noNaN: true }), (format, share) => {
        const sampleCount = Math.round(format.sampleRateHz * 0.83);
        const all = makeNoise(sampleCount * format.channels);
        const whole = measureLive(format, all);
        const live = measureLive(format, all, Math.floor(sampleCount * share));
        const liveStart = live.columns[0]?.start;
        if (liveStart === undefined) return;
        const range = { fromSample: 0, toSample: liveStart, binCount, knownFrom: 0 };
        const meter = new PastMeter({ ...range, format });
        meter.push(all, 0);
        const past = meter.finish(sampleCount);
        assert.deepEqual([past.fromSample, past.toSample], [0, liveStart]);
        assert.deepEqual([...columnsOf(past), ...live.columns], whole.columns);
        const ends = new Set([...past.blocks, ...live.blocks].map(({ endSample }) => endSample));
        assert.deepEqual(
          [...ends],
          whole.blocks.map(({ endSample }) => endSample),
        );
        assert.deepEqual(past.blocks, whole.blocks.slice(0, past.blocks.length));
      }),
      { numRuns: 40 },
    );
  });

  it("gives a stretch piece by piece as it is written, nothing twice and nothing but what is whole", () => {
    fc.assert(
      fc.property(formats, fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 12 }), (format, lengths) => {
        const sampleCount = format.sampleRateHz;
        const all = makeNoise(sampleCount * format.channels);
        const [columns, blocks]: [Column[], LevelBlock[]] = [[], []];
        let [from, reached] = [0, 0];
        for (const length of [...lengths, sampleCount]) {
          reached = Math.min(sampleCount, reached + length);
          const meter = new PastMeter({ format, fromSample: from, toSample: sampleCount, binCount, knownFrom: 0 });
          const first = Math.min(meter.firstSample, reached);
          meter.push(all.subarray(first * format.channels, reached * format.channels), first);
          const past = meter.finish(reached);
          assert.equal(past.fromSample, from);
          columns.push(...columnsOf(past));
          blocks.push(...past.blocks);
          from = past.toSample;
        }
        const whole = measureLive(format, all);
        assert.deepEqual(columns, whole.columns.slice(0, columns.length));
        assert.deepEqual(blocks, whole.blocks.slice(0, blocks.length));
        assert.ok(columns.length >= whole.columns.length - 2 && blocks.length >= 9);
      }),
      { numRuns: 40 },
    );
  });

  it("leaves out columns of gaps, and notes them in the levels", () => {
    const format = { sampleRateHz: 4_000, channels: 1 };
    const meter = new PastMeter({ format, fromSample: 0, toSample: 4_000, binCount, knownFrom: 0 });
    meter.push(makeNoise(400), 0);
    meter.push(makeNoise(2_400), 1_600);
    const past = meter.finish(4_000);
    assert.deepEqual(
      columnsOf(past).map(({ start }) => start),
      [0, 200, ...Array.from({ length: 12 }, (_, index) => 1_600 + index * 200)],
    );
    assert.deepEqual(past.blocks.map(({ endSample, isAfterGap }) => [endSample, isAfterGap]).slice(0, 3), [
      [400, false],
      [2_000, true],
      [2_400, false],
    ]);
    assert.equal(past.toSample, 4_000);
  });

  it("begins with the first column of which all is known", () => {
    const format = { sampleRateHz: 4_000, channels: 1 };
    const meter = new PastMeter({ format, fromSample: 0, toSample: 4_000, binCount, knownFrom: 1_050 });
    meter.push(makeNoise(3_000), 1_050);
    const past = meter.finish(4_050);
    // A spectrum of 256 samples looks back at 56 in front of its column.
    assert.deepEqual([past.fromSample, past.toSample, columnsOf(past)[0]?.start], [1_200, 4_000, 1_200]);
  });

  it("joins the levels of seconds, and marks those that clip or lack something", () => {
    const format = { sampleRateHz: 8_000, channels: 1 };
    const loud = new Int16Array(8_000).fill(100);
    loud[5_000] = 32_767;
    const range = { fromSample: 8_000, toSample: 40_000, binCount: 0, knownFrom: 0 };
    const meter = new PastMeter({ ...range, format });
    meter.push(new Int16Array(8_000).fill(50), 8_000);
    meter.push(loud, 16_000);
    meter.push(new Int16Array(4_000).fill(70), 32_000);
    const { runs, blocks, seconds, toSample } = meter.finish(36_000);
    assert.deepEqual([runs, blocks, toSample], [[], [], 36_000]);
    assert.deepEqual(
      seconds?.map((level) => level && [level.peaks, level.clippedCount, level.isAfterGap]),
      [[[50], 0, false], [[32_767], 1, false], null, [[70], 0, true]],
    );
  });
});
