import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BadLink } from "./bad-link.ts";
import { makeRandom } from "./random.ts";
import { readVoice } from "./recorded-voice-store.ts";
import { simulatedRateHz } from "./sound-source.ts";
import { makeSound, type SimulatedKind, simulatedKinds } from "./sounds.ts";

const recording = await readVoice();

function listen(kind: SimulatedKind, seed: number, seconds = 10): Int16Array {
  const samples = new Int16Array(seconds * simulatedRateHz);
  const source = makeSound(kind, seed, recording);
  // In frames, as a device does.
  for (let at = 0; at < samples.length; at += 320) source.read(samples.subarray(at, at + 320));
  return samples;
}

function rmsDb(samples: Int16Array): number {
  const power = samples.reduce((sum, sample) => sum + (sample / 32_768) ** 2, 0) / samples.length;
  return 10 * Math.log10(power);
}

/** Share of values at either end of the scale. */
function clippedShare(samples: Int16Array): number {
  return samples.filter((sample) => sample >= 32_767 || sample <= -32_768).length / samples.length;
}

describe("makeSound", () => {
  it("repeats itself for equal seeds only", () => {
    for (const kind of simulatedKinds) {
      const first = listen(kind, 7, 2);
      assert.deepEqual(listen(kind, 7, 2), first, kind);
      if (kind !== "silent") assert.notDeepEqual(listen(kind, 8, 2), first, kind);
    }
  });

  it("is heard and does not clip, but for those that shall", () => {
    for (const kind of simulatedKinds) {
      const samples = listen(kind, 11);
      const isSilent = kind === "silent";
      assert.equal(rmsDb(samples) === Number.NEGATIVE_INFINITY, isSilent, kind);
      if (!isSilent) assert.ok(rmsDb(samples) > -45, `${kind}: ${rmsDb(samples)} dB`);
      const isClipping = clippedShare(samples) > 0.01;
      assert.equal(isClipping, kind === "clipping", `${kind}: ${clippedShare(samples)} clipped`);
    }
  });

  it("gives birds instead of a voice where there is no recording", () => {
    const samples = new Int16Array(simulatedRateHz);
    makeSound("voice", 1, undefined).read(samples);
    assert.ok(samples.some((sample) => sample !== 0));
  });
});

describe("BadLink", () => {
  it("loses some stretches of frames, and most of none", () => {
    const link = new BadLink(makeRandom(3), 0.02);
    const lost = Array.from({ length: 10_000 }, () => link.losesNext());
    const stretchCount = lost.filter((isLost, at) => isLost && lost[at - 1] !== true).length;
    const share = lost.filter(Boolean).length / lost.length;
    assert.ok(stretchCount > 10 && stretchCount < 50, `${stretchCount} stretches`);
    assert.ok(share > 0.03 && share < 0.3, `${share} lost`);
    assert.ok(!lost.slice(0, 150).includes(true), "the first three seconds arrive");
  });
});
