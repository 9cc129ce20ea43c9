import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeDownload } from "./download-facts.ts";

const fromMs = new Date(2026, 10, 22, 12).getTime();
const range = { fromMs, toMs: fromMs + 60_000 };
const mono = { fromMs: fromMs - 5_000, toMs: fromMs + 90_000, sampleRateHz: 16_000, channels: 1 };
const stereo = { fromMs: fromMs + 30_000, toMs: fromMs + 90_000, sampleRateHz: 48_000, channels: 2 };

describe("describeDownload", () => {
  it("tells the size", () => {
    const facts = describeDownload(range, { first: mono, next: undefined });
    assert.deepEqual(facts, { wav: "", flac: "", wavBytes: 60 * 16_000 * 2 });
    assert.equal(describeDownload(range, { first: { ...stereo, fromMs }, next: undefined }).wavBytes, 60 * 48_000 * 4);
  });

  it("tells that nothing is there", () => {
    for (const first of [undefined, { ...mono, fromMs: range.toMs }]) {
      const { wav, flac } = describeDownload(range, { first, next: undefined });
      assert.deepEqual([wav, flac], ["Nothing is recorded in it.", "Nothing is recorded in it."]);
    }
  });

  it("tells where the format changes, if that is in it", () => {
    const { wav, flac } = describeDownload(range, { first: mono, next: stereo });
    assert.match(wav, /changes at 12:00:30: select one side/);
    assert.equal(flac, wav);
    assert.equal(describeDownload(range, { first: mono, next: { ...stereo, fromMs: range.toMs } }).wav, "");
  });

  it("offers FLAC where a WAV is too small, and nothing above 31 days", () => {
    const days = (count: number) => ({ fromMs, toMs: fromMs + count * 86_400_000 });
    const twoDays = describeDownload(days(2), { first: mono, next: undefined });
    assert.match(twoDays.wav, /^A WAV holds at most 4\.3 GB, and this would be 5\.5 GB: take FLAC\.$/);
    assert.deepEqual([twoDays.flac, twoDays.wavBytes], ["", undefined]);
    assert.match(describeDownload(days(32), { first: mono, next: undefined }).flac, /31 days/);
  });
});
