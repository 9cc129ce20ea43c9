import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatAudio, formatDeviceLevels, formatFleetLevels, formatSpectrum } from "./binary-messages.ts";
import type { LevelBlock } from "./level-blocks.ts";

const hex = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString("hex")
    .replaceAll(/(..)(?=.)/g, "$1 ");

const block: LevelBlock = {
  endSample: 3200,
  peaks: [16_384],
  powers: [16_384 ** 2 / 2],
  clippedCount: 0,
  isAfterGap: false,
  isAfterSkip: false,
};

describe("formatFleetLevels", () => {
  it("writes the example of docs/live.md", () => {
    assert.equal(hex(formatFleetLevels(1, [{ index: 1, block }])), "01 00 01 00 01 00 a6 fd 79 fc 00 00");
  });

  it("takes the highest peak and the mean power of the channels, and tells what happened", () => {
    const stereo = { ...block, peaks: [0, 32_768], powers: [0, 32_768 ** 2], clippedCount: 3, isAfterGap: true };
    const flagged = { ...stereo, isAfterSkip: true };
    assert.equal(
      hex(formatFleetLevels(65_535, [{ index: 199, block: flagged }])),
      "01 00 ff ff c7 00 00 00 d3 fe 07 00",
    );
  });
});

describe("formatDeviceLevels", () => {
  it("writes peak, RMS and hold of each channel, silence as -120 dB", () => {
    const stereo = { ...block, peaks: [0, 16_384], powers: [0, 16_384 ** 2 / 2], clippedCount: 258 };
    assert.equal(
      hex(formatDeviceLevels(2, stereo, [32_768, 16_384])),
      "02 00 02 00 00 00 00 00 00 00 00 00 00 00 a9 40 02 01 00 00 01 02 00 00" +
        " 20 d1 20 d1 00 00 a6 fd 79 fc a6 fd",
    );
  });
});

describe("formatSpectrum", () => {
  it("writes columns one after the other", () => {
    const columns = [Uint8Array.of(1, 2), Uint8Array.of(255, 0)];
    assert.equal(
      hex(formatSpectrum(3, { start: 1600, columnSamples: 800, columns })),
      "03 00 03 00 02 00 02 00 00 00 00 00 00 00 99 40 20 03 00 00 00 00 00 00 01 02 ff 00",
    );
  });
});

describe("formatAudio", () => {
  it("writes pieces as one, wherever they begin", () => {
    const values = Int16Array.of(9, 1, -2, 32_767, -32_768);
    const pieces = [values.subarray(1, 3), values.subarray(3)];
    const piece = { sampleRateHz: 48_000, channels: 2, start: 1, isAfterGap: true, isAfterSkip: true, pieces };
    assert.equal(
      hex(formatAudio(4, piece)),
      "04 00 04 00 02 06 00 00 00 00 00 00 00 00 f0 3f 80 bb 00 00 02 00 00 00 01 00 fe ff ff 7f 00 80",
    );
  });
});
