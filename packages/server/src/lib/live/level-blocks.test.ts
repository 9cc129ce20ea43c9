import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type LevelBlock, LevelBlocks, mergeBlocks } from "./level-blocks.ts";

const mono = { sampleRateHz: 4_000, channels: 1 };
const blockSamples = 400;

function measure(format: { readonly sampleRateHz: number; readonly channels: number }) {
  const blocks: LevelBlock[] = [];
  return { blocks, meter: new LevelBlocks(format, (block) => blocks.push(block)) };
}

describe("LevelBlocks", () => {
  it("measures 100 ms at a time, each channel by itself", () => {
    const { blocks, meter } = measure({ ...mono, channels: 2 });
    const samples = Int16Array.from({ length: 2 * blockSamples }, (_, index) => (index % 2 === 0 ? -1_000 : 32_767));
    meter.push(samples, 0);
    meter.push(samples.subarray(0, 2), blockSamples);
    const [only] = blocks;
    assert.deepEqual(blocks, [
      {
        ...{ endSample: 400, peaks: [1_000, 32_767], powers: [1e6, 32_767 ** 2], clippedCount: 400 },
        ...{ isAfterGap: false, isAfterSkip: false },
      },
    ]);
    assert.equal(only?.peaks.length, 2);
  });

  it("closes what a gap has cut, and says in the next one what lies in front", () => {
    const { blocks, meter } = measure(mono);
    meter.push(new Int16Array(100).fill(10), 0);
    meter.noteBreak({ isGap: true, isSkip: false });
    meter.noteBreak({ isGap: false, isSkip: true });
    meter.push(new Int16Array(200).fill(20), 1_000);
    meter.push(new Int16Array(400).fill(30), 1_200);
    assert.deepEqual(
      blocks.map(({ endSample, peaks, powers, isAfterGap, isAfterSkip }) => [
        ...[endSample, peaks[0], powers[0]],
        ...[isAfterGap, isAfterSkip],
      ]),
      [
        [400, 10, 100, true, true],
        [1_200, 20, 400, false, false],
        [1_600, 30, 900, false, false],
      ],
    );
  });

  it("does not mind how samples are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 1_200, maxLength: 1_200 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        (values, lengths) => {
          const samples = Int16Array.from(values);
          const [whole, cut] = [measure(mono), measure(mono)];
          whole.meter.push(samples, 0);
          for (let at = 0, turn = 0; at < samples.length; turn += 1) {
            const piece = samples.subarray(at, at + (lengths[turn % lengths.length] ?? 1));
            cut.meter.push(piece, at);
            at += piece.length;
          }
          assert.equal(whole.blocks.length, 3);
          assert.deepEqual(cut.blocks, whole.blocks);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("mergeBlocks", () => {
  it("keeps the highest peak, the mean power and all that happened", () => {
    const first = { endSample: 1, peaks: [5], powers: [4], clippedCount: 1, isAfterGap: true, isAfterSkip: false };
    const second = { endSample: 2, peaks: [3], powers: [2], clippedCount: 1, isAfterGap: false, isAfterSkip: true };
    assert.deepEqual(mergeBlocks(first, second), {
      ...{ endSample: 2, peaks: [5], powers: [3], clippedCount: 2, isAfterGap: true, isAfterSkip: true },
    });
  });
});
