import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flagBits } from "../api/live-frames.ts";
import { historyLength, LevelHistory } from "./level-history.ts";

const startMs = 1_800_000_000_000;
const last = historyLength - 1;

describe("LevelHistory", () => {
  it("keeps the highest peak of each second", () => {
    const history = new LevelHistory();
    history.take(-30, -40, 0, startMs);
    history.take(-20, -40, 0, startMs + 500);
    history.take(-50, -60, 0, startMs + 1_000);
    assert.deepEqual([history.peakAt(last - 1), history.peakAt(last)], [-20, -50]);
    assert.ok(Number.isNaN(history.peakAt(last - 2)));
    assert.equal(history.peakDbfs, -50);
  });

  it("forgets what is older than a minute, and shows where nothing came", () => {
    const history = new LevelHistory();
    history.take(-30, -40, flagBits.gap, startMs);
    history.advance(startMs + 59_000);
    assert.deepEqual([history.peakAt(0), history.hasGapAt(0)], [-30, true]);
    history.advance(startMs + 60_000);
    assert.ok(Number.isNaN(history.peakAt(0)));
    assert.equal(history.hasGapAt(0), false);
  });

  it("takes what the server remembers", () => {
    const history = new LevelHistory();
    history.fill([...new Array<null>(58).fill(null), -12, -24], startMs);
    assert.deepEqual([history.peakAt(last - 1), history.peakAt(last)], [-12, -24]);
    assert.ok(Number.isNaN(history.peakAt(0)));
  });

  it("marks clipping, gaps and since when it is quiet", () => {
    const history = new LevelHistory();
    history.take(0, -6, flagBits.clipped, startMs);
    history.take(-90, -96, flagBits.gap, startMs + 100);
    history.take(-90, -96, 0, startMs + 200);
    assert.deepEqual([history.clippedMs, history.gapMs, history.quietSinceMs], [startMs, startMs + 100, startMs + 100]);
    history.take(-30, -36, 0, startMs + 300);
    assert.equal(history.quietSinceMs, 0);
  });

  it("marks the seconds that clipped, live and as the server remembers them", () => {
    const history = new LevelHistory();
    history.fill([...new Array<null>(57).fill(null), 0, -0.1, null], startMs);
    history.take(-0.5, -6, flagBits.clipped, startMs);
    history.take(-30, -36, 0, startMs + 1_000);
    const marked = [4, 3, 2, 1, 0].map((ago) => history.hasClippedAt(last - ago));
    assert.deepEqual(marked, [false, true, false, true, false]);
    history.advance(startMs + 61_000);
    assert.ok(!Array.from({ length: historyLength }, (_, index) => history.hasClippedAt(index)).includes(true));
  });

  it("draws again when a second clips at a level that was reached before", () => {
    const history = new LevelHistory();
    history.take(0, -6, 0, startMs);
    const { version } = history;
    history.take(0, -6, flagBits.clipped, startMs + 100);
    assert.notEqual(history.version, version);
  });

  it("is filled in where nothing came live, within the last minute", () => {
    const history = new LevelHistory();
    const second = startMs / 1000;
    history.take(-30, -36, 0, startMs);
    const loud = { peakDbfs: -1, isClipped: true, hasGap: true };
    for (const at of [second - 60, second - 59, second - 2, second, second + 1]) history.fillSecond(at, loud);
    const marks = (index: number) => [history.peakAt(index), history.hasClippedAt(index), history.hasGapAt(index)];
    assert.deepEqual(marks(0), [-1, true, true]);
    assert.deepEqual(marks(last - 2), [-1, true, true]);
    assert.deepEqual(marks(last), [-30, false, false]);
    assert.deepEqual(marks(last - 1), [Number.NaN, false, false]);
    history.fillSecond(second - 1, { peakDbfs: Number.NaN, isClipped: false, hasGap: true });
    assert.deepEqual(marks(last - 1), [Number.NaN, false, true]);
  });

  it("tells from where to where something is not known", () => {
    const history = new LevelHistory();
    const second = startMs / 1000;
    history.take(-30, -36, 0, startMs);
    assert.deepEqual(history.findUnknown({ from: 0, to: second + 9 }), { from: second - 59, to: second });
    history.fillSecond(second - 1, { peakDbfs: -9, isClipped: false, hasGap: false });
    history.fillSecond(second - 30, { peakDbfs: -9, isClipped: false, hasGap: false });
    assert.deepEqual(history.findUnknown({ from: second - 30, to: second + 1 }), { from: second - 29, to: second - 1 });
    assert.equal(history.findUnknown({ from: second - 1, to: second + 1 }), undefined);
  });

  it("does not know whether it was quiet while it was off screen", () => {
    const history = new LevelHistory();
    history.take(-90, -96, 0, startMs);
    history.take(-90, -96, 0, startMs + 400);
    assert.equal(history.quietSinceMs, startMs);
    history.take(-90, -96, 0, startMs + 60_000);
    assert.equal(history.quietSinceMs, startMs + 60_000);
  });
});
