import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeAdpcm, type NibbleOrder } from "./ima-adpcm.ts";
import { NibbleStatistics } from "./nibble-statistics.ts";
import { readSamples, recordingPath } from "./recordings.test-support.ts";

const speech = readSamples(recordingPath("speech_16k.wav"));

/** The codes of one second of speech. */
function secondOf(order: NibbleOrder, startS: number): Uint8Array {
  return encodeAdpcm(speech.subarray(startS * 16000, (startS + 1) * 16000), order, { predictor: 0, stepIndex: 0 });
}

describe("NibbleStatistics", () => {
  it("waits for two windows of a second that agree [P-1.5]", () => {
    const statistics = new NibbleStatistics(16000);
    statistics.push(secondOf("low", 2));
    assert.equal(statistics.order(), undefined);
    statistics.push(secondOf("low", 3).subarray(0, 7999));
    assert.equal(statistics.order(), undefined);
    statistics.push(secondOf("low", 3).subarray(7999));
    assert.equal(statistics.order(), "low");
  });

  it("takes its word back when the next window disagrees", () => {
    const statistics = new NibbleStatistics(16000);
    statistics.push(secondOf("low", 2));
    statistics.push(secondOf("high", 3));
    assert.equal(statistics.order(), undefined);
    statistics.push(secondOf("high", 4));
    assert.equal(statistics.order(), "high");
    statistics.push(secondOf("low", 2));
    assert.equal(statistics.order(), undefined);
  });

  it("passes over windows that abstain, such as silence", () => {
    const statistics = new NibbleStatistics(16000);
    statistics.push(secondOf("high", 2));
    statistics.push(new Uint8Array(8000));
    assert.equal(statistics.order(), undefined);
    statistics.push(secondOf("high", 3));
    assert.equal(statistics.order(), "high");
  });
});
