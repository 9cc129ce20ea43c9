import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutSampleRate } from "./flac-frame.ts";

// One sample of two channels at 44.1 kHz.
const frame = Buffer.from("fff86918 0000bf03 58fd0312 8b aa9a".replaceAll(" ", ""), "hex");

describe("withoutSampleRate", () => {
  it("changes the rate's code and both checksums, nothing else", () => {
    const changed = Buffer.from(withoutSampleRate(frame));
    assert.equal(changed.length, frame.length);
    const places = [...frame.keys()].filter((at) => changed[at] !== frame[at]);
    assert.deepEqual(places, [2, 6, 13, 14]);
    assert.equal(changed[2], 0x60);
  });

  it("puts checksums right that are not", () => {
    const whole = withoutSampleRate(frame);
    assert.deepEqual(withoutSampleRate(whole), whole);
    const damaged = Buffer.from(whole);
    damaged[6] = 0;
    damaged[14] = 0;
    assert.deepEqual(withoutSampleRate(damaged), whole);
  });

  it("refuses what is no frame", () => {
    assert.throws(() => withoutSampleRate(Buffer.alloc(20)), RangeError);
    const written = Buffer.from(frame);
    written[2] = 0x6c;
    assert.throws(() => withoutSampleRate(written), RangeError);
  });
});
