import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { finishedSegment, sessionStartMs } from "../catalog/finished-segment.test-support.ts";
import { holdCatalog } from "../catalog/held-catalog.test-support.ts";
import { RangePlanner } from "./range-planner.ts";

const segmentCount = 600;
const segmentSamples = 160_000;

describe("RangePlanner", () => {
  const held = holdCatalog();

  it("lets other work have its turn while it looks up a range of many segments", async () => {
    const segments = Array.from({ length: segmentCount }, (_, index) =>
      finishedSegment({ index, content: `${index}` }),
    );
    await Promise.all(segments.map((segment) => held.catalog.addSegment(segment, [], { isBackfill: false })));
    const toSample = segmentCount * segmentSamples;
    const byTime = { fromMs: sessionStartMs, toMs: sessionStartMs + toSample / 16 };
    for (const range of [byTime, { session: "s1", fromSample: 0, toSample }]) {
      let isDone = false;
      const planning = new RangePlanner(held.catalog.reader).plan({ hwid: "mic-1", range }).finally(() => {
        isDone = true;
      });
      let turnCount = 0;
      for (; !isDone; turnCount++) await new Promise(setImmediate);
      const plan = await planning;
      assert.deepEqual([plan.runs.length, plan.to - plan.from], [1, toSample]);
      assert.deepEqual(plan.sources, { local: segmentCount, remote: 0 });
      assert.ok(turnCount >= segmentCount / 200, `${turnCount} turns for ${segmentCount} segments`);
    }
  });
});
