import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layOutWav } from "./wav-layout.ts";

/** Samples 1000 to 1100 of a session; 1010 to 1020 and 1050 to 1060 are gaps. */
const gaps = [
  { startSample: 1_050, sampleCount: 10 },
  { startSample: 1_010, sampleCount: 10 },
  // In front of the segment: no business of its WAV.
  { startSample: 900, sampleCount: 100 },
];
const segment = { startSample: 1_000, sampleCount: 100, wavSampleCount: 80 };

describe("layOutWav", () => {
  it("finds a part in a WAV that holds gaps as silence", () => {
    const filled = { ...segment, wavSampleCount: 100 };
    assert.deepEqual(layOutWav(filled, gaps, 1_005, 1_015), [{ sampleCount: 10, wavSample: 5 }]);
  });

  it("finds the parts in a WAV that leaves gaps out", () => {
    assert.deepEqual(layOutWav(segment, gaps, 1_000, 1_100), [
      { sampleCount: 10, wavSample: 0 },
      { sampleCount: 10, wavSample: null },
      { sampleCount: 30, wavSample: 10 },
      { sampleCount: 10, wavSample: null },
      { sampleCount: 40, wavSample: 40 },
    ]);
    assert.deepEqual(layOutWav(segment, gaps, 1_015, 1_052), [
      { sampleCount: 5, wavSample: null },
      { sampleCount: 30, wavSample: 10 },
      { sampleCount: 2, wavSample: null },
    ]);
  });

  it("tells nothing where the numbers do not add up", () => {
    assert.equal(layOutWav({ ...segment, wavSampleCount: 81 }, gaps, 1_000, 1_010), undefined);
    assert.equal(layOutWav({ ...segment, wavSampleCount: null }, gaps, 1_000, 1_010), undefined);
  });
});
