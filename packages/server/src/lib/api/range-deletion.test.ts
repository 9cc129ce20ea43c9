import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { finishedSegment, sessionStartMs } from "../catalog/finished-segment.test-support.ts";
import { holdCatalog } from "../catalog/held-catalog.test-support.ts";
import { deleteRange } from "./range-deletion.ts";

const range = { hwid: "mic-1", fromMs: sessionStartMs, toMs: sessionStartMs + 70_000, reason: "asked for" };
/** Small ones, so that a few segments fill many pages. */
const limits = { maxCount: 2, pageLength: 2 };

describe("deleteRange", () => {
  const held = holdCatalog();

  /** Segments of 10 s with the ids 1, 2, 3... */
  async function record(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1)
      await held.catalog.addSegment(finishedSegment({ index }), [], { isBackfill: false });
  }

  function remove(change: Partial<typeof range> = {}) {
    const { reader, annotations } = held.catalog;
    return deleteRange({ reader, annotations, onDeleted: () => {} }, { ...range, ...change }, limits);
  }

  it("passes over pinned segments that would fill its pages, and comes to an end", async () => {
    await record(7);
    const pin = { hwid: "mic-1", fromMs: sessionStartMs, toMs: sessionStartMs + 40_000, note: "proof" };
    await held.catalog.annotations.addPin(pin);
    assert.deepEqual(await remove(), { deleted: [5, 6], pinned: 4, has_more: true });
    assert.deepEqual(await remove(), { deleted: [7], pinned: 4, has_more: false });
    assert.deepEqual(await remove(), { deleted: [], pinned: 4, has_more: false });
  });

  it("leaves what reaches over an edge, and counts it as nothing", async () => {
    await record(4);
    const inner = { fromMs: sessionStartMs + 5_000, toMs: sessionStartMs + 35_000 };
    assert.deepEqual(await remove(inner), { deleted: [2, 3], pinned: 0, has_more: false });
    assert.deepEqual(await remove(inner), { deleted: [], pinned: 0, has_more: false });
  });
});
