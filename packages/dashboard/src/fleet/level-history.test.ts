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

  it("does not know whether it was quiet while it was off screen", () => {
    const history = new LevelHistory();
    history.take(-90, -96, 0, startMs);
    history.take(-90, -96, 0, startMs + 400);
    assert.equal(history.quietSinceMs, startMs);
    history.take(-90, -96, 0, startMs + 60_000);
    assert.equal(history.quietSinceMs, startMs + 60_000);
  });
});
