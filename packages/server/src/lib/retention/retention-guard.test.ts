import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DayOfDeletions, PastDeletions } from "./deletion-history.ts";
import { guardRun } from "./retention-guard.ts";
import { RetentionTally } from "./retention-report.ts";
import type { RetentionOutcome } from "./retention-walk.ts";

function usage(hwid: string | null, segmentCount: number) {
  return { hwid, segmentCount, localSegmentCount: segmentCount, localBytes: segmentCount };
}

/** A past in which one device, the only one, was taken from. */
function pastOf(day: DayOfDeletions): PastDeletions {
  return { all: day, of: () => day };
}

function stateOf(outcome: RetentionOutcome) {
  return { isStored: outcome === "evict", isQueued: outcome === "waiting", isAwaited: false };
}

function tallyOf(counts: readonly (readonly [hwid: string | null, outcome: RetentionOutcome, count: number])[]) {
  const tally = new RetentionTally();
  for (const [hwid, outcome, count] of counts) {
    const facts = { id: 1, name: "n", folder: "", bytes: 1, startMs: 0, endMs: 1, keptFromMs: 0, ...stateOf(outcome) };
    for (let at = 0; at < count; at += 1) tally.add({ segment: { ...facts, hwid }, outcome, reason: "old" });
  }
  return tally;
}

describe("guardRun", () => {
  it("lets half go, not more", () => {
    const half = guardRun(tallyOf([["a", "delete", 100]]), [usage("a", 200)]);
    assert.deepEqual([half.refusals, half.isRefused("a")], [[], false]);
    const more = guardRun(tallyOf([["a", "delete", 101]]), [usage("a", 201)]);
    assert.deepEqual(more.refusals, ["101 of all 201 segments", "101 of 201 segments of a"]);
    assert.equal(more.isRefused("a"), true);
  });

  it("never refuses fewer than 100 segments", () => {
    assert.deepEqual(guardRun(tallyOf([["a", "delete", 99]]), [usage("a", 99)]).refusals, []);
    assert.equal(guardRun(tallyOf([["a", "delete", 100]]), [usage("a", 100)]).refusals.length, 2);
  });

  it("refuses one device's alone where the others' are within bounds", () => {
    const tally = tallyOf([
      ["a", "delete", 150],
      ["b", "delete", 150],
      [null, "delete", 150],
    ]);
    const verdict = guardRun(tally, [usage(null, 200), usage("a", 200), usage("b", 1000)]);
    assert.deepEqual(verdict.refusals, ["150 of 200 segments of devices without id", "150 of 200 segments of a"]);
    assert.deepEqual(
      [null, "a", "b"].map((hwid) => verdict.isRefused(hwid)),
      [true, true, false],
    );
  });

  it("refuses all deletions where they are more than half of all, though no device's are", () => {
    const tally = tallyOf([
      ["a", "delete", 60],
      ["b", "delete", 60],
    ]);
    const verdict = guardRun(tally, [usage("a", 100), usage("b", 100)]);
    assert.deepEqual(verdict.refusals, ["120 of all 200 segments"]);
    assert.equal(verdict.isRefused("b"), true);
  });

  it("takes the runs of a day as one, however little each of them deletes", () => {
    const past = pastOf({ deletedCount: 60, peakCount: 150 });
    const tally = tallyOf([["a", "delete", 40]]);
    const verdict = guardRun(tally, [usage("a", 90)], past);
    assert.deepEqual(verdict.refusals, [
      "40 of all 90 segments after 60 within a day",
      "40 of 90 segments of a after 60 within a day",
    ]);
    assert.equal(verdict.isRefused("a"), true);
    assert.deepEqual(guardRun(tallyOf([["a", "delete", 39]]), [usage("a", 90)], past).refusals, [], "fewer than 100");
    assert.deepEqual(guardRun(tallyOf([["a", "evict", 40]]), [usage("a", 90)], past).refusals, [], "nothing to delete");
  });

  it("lets a quota that holds less than a day go on: as much comes as goes", () => {
    const past = pastOf({ deletedCount: 9_000, peakCount: 400 });
    assert.deepEqual(guardRun(tallyOf([["a", "delete", 60]]), [usage("a", 390)], past).refusals, []);
  });

  it("does not count evictions: they lose nothing", () => {
    assert.deepEqual(guardRun(tallyOf([["a", "evict", 500]]), [usage("a", 500)]).refusals, []);
  });
});
