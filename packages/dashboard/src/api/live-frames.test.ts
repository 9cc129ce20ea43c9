import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAudio, parseSpectrum } from "./live-frames.ts";

/** The head of a piece of audio. */
function audioHead(channelCount: number, sampleCount: number): DataView {
  const message = new DataView(new ArrayBuffer(28));
  message.setUint8(4, channelCount);
  message.setUint32(20, sampleCount, true);
  return message;
}

describe("parseAudio", () => {
  it("reads as many samples as the message holds", () => {
    const { channels } = parseAudio(audioHead(2, 1));
    assert.deepEqual(
      channels.map((samples) => samples.length),
      [1, 1],
    );
  });

  it("takes no memory for samples that did not come", () => {
    const before = process.memoryUsage().arrayBuffers;
    assert.throws(() => parseAudio(audioHead(255, 0xffff_ffff)), RangeError);
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
  });
});

describe("parseSpectrum", () => {
  it("takes no memory for columns that did not come", () => {
    for (const [binCount, columnCount] of [
      [0, 65_535],
      [65_535, 65_535],
    ] as const) {
      const message = new DataView(new ArrayBuffer(28));
      message.setUint16(4, binCount, true);
      message.setUint16(6, columnCount, true);
      assert.throws(() => parseSpectrum(message), /RangeError: 28 bytes do not hold 65535 columns/);
    }
  });
});
