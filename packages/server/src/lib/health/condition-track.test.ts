import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { advanceTrack, type ConditionTrack, freshTrack, heldTrack } from "./condition-track.ts";

const rule = { enterAt: 10, leaveBelow: 5, badCount: 3, goodCount: 2 };
const [bad, between, good] = [10, 7, 4];

function run(badnesses: readonly (number | undefined)[], from: ConditionTrack = freshTrack): readonly ConditionTrack[] {
  const tracks = [from];
  for (const [index, badness] of badnesses.entries()) {
    const reading = badness === undefined ? undefined : { badness, evidence: { badness } };
    tracks.push(advanceTrack(tracks.at(-1) ?? from, rule, reading, 1_000 * index));
  }
  return tracks;
}

const isHeldAfter = (badnesses: readonly (number | undefined)[], from?: ConditionTrack) =>
  run(badnesses, from).at(-1)?.isHeld;

describe("advanceTrack", () => {
  it("holds after so many bad segments in a row, since the first of them", () => {
    assert.equal(isHeldAfter([bad, bad]), false);
    assert.deepEqual(run([good, bad, bad, bad + 1]).at(-1), heldTrack(1_000, { badness: bad + 1 }));
  });

  it("leaves after so many good segments in a row", () => {
    const held = heldTrack(0, {});
    assert.equal(isHeldAfter([good], held), true);
    assert.equal(isHeldAfter([good, bad, good], held), true);
    assert.deepEqual(run([good, good], held).at(-1), freshTrack);
  });

  it("begins the count anew between the thresholds, and keeps it over segments that say nothing", () => {
    assert.equal(isHeldAfter([bad, bad, between, bad, bad]), false);
    assert.equal(isHeldAfter([bad, bad, undefined, bad]), true);
    assert.equal(isHeldAfter([good, between, good], heldTrack(0, {})), true);
  });

  it("never changes on input that alternates, from whatever it stands at", () => {
    const pair = fc.tuple(
      fc.double({ min: 10, max: 1e6, noNaN: true }),
      fc.double({ min: -1e6, max: 9.99, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 100 }), fc.boolean(), fc.boolean(), (pairs, isHeld, isBadFirst) => {
        const from = isHeld ? heldTrack(0, {}) : freshTrack;
        const badnesses = pairs.flatMap(([worse, better]) => (isBadFirst ? [worse, better] : [better, worse]));
        for (const track of run(badnesses, from)) assert.equal(track.isHeld, isHeld);
      }),
    );
  });

  it("changes at most once in any few segments", () => {
    const badness = fc.constantFrom(bad, between, good, undefined);
    fc.assert(
      fc.property(fc.array(badness, { maxLength: 200 }), (badnesses) => {
        const tracks = run(badnesses);
        const changes = tracks.flatMap(({ isHeld }, index) => (isHeld !== tracks[index - 1]?.isHeld ? [index] : []));
        for (const [position, index] of changes.entries()) {
          const distance = index - (changes[position - 1] ?? 0);
          if (position > 0) assert.ok(distance >= Math.min(rule.badCount, rule.goodCount), `after ${distance}`);
        }
      }),
    );
  });
});
