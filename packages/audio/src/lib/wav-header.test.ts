import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { recordingPath } from "./recordings.test-support.ts";
import { formatWavHeader, wavHeaderBytes } from "./wav-header.ts";

describe("formatWavHeader", () => {
  it("is the header of the bundled recording, byte for byte [S-1.5]", () => {
    const file = readFileSync(recordingPath("speech_16k.wav"));
    const header = formatWavHeader({ sampleRateHz: 16000, channels: 1, sampleCount: 161440 });
    assert.deepEqual(header, new Uint8Array(file.subarray(0, wavHeaderBytes)));
  });

  it("counts the trailer in the file's length but not in the audio's", () => {
    const header = formatWavHeader({ sampleRateHz: 8000, channels: 2, sampleCount: 10, trailerBytes: 100 });
    const view = new DataView(header.buffer);
    assert.equal(view.getUint32(4, true), 36 + 40 + 100);
    assert.equal(view.getUint32(40, true), 40);
  });

  it("writes up to the last byte that 32 bits can count, and refuses the next", () => {
    const fields = { sampleRateHz: 48000, channels: 1, sampleCount: (2 ** 32 - 38) / 2 };
    assert.equal(new DataView(formatWavHeader(fields).buffer).getUint32(4, true), 0xfffffffe);
    assert.throws(() => formatWavHeader({ ...fields, trailerBytes: 2 }), /at most 4294967295 bytes/);
  });
});
