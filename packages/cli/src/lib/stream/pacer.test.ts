import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pacer } from "./pacer.ts";

const never = new AbortController().signal;

describe("Pacer", () => {
  it("spreads the starts of streams over one frame", () => {
    const pacer = new Pacer(20, never, () => 1000);
    assert.deepEqual(
      [0, 0.25, 0.5, 0.75].map((share) => pacer.startMs(share)),
      [1000, 1005, 1010, 1015],
    );
  });

  it("keeps a stream that comes later at its own place within the frame", () => {
    let nowMs = 1000;
    const pacer = new Pacer(20, never, () => nowMs);
    pacer.startMs(0);
    nowMs = 1047;
    assert.deepEqual(
      [0, 0.25, 0.5].map((share) => pacer.startMs(share)),
      [1060, 1065, 1050],
    );
  });

  it("waits until a moment is due, to a millisecond", async () => {
    const pacer = new Pacer(20, never);
    const dueMs = performance.now() + 30;
    const lateMs = await pacer.waitUntil(dueMs);
    assert.ok(performance.now() > dueMs - 1);
    assert.ok(lateMs >= 0);
  });

  it("does not wait for what is past, and tells how late it is", async () => {
    const pacer = new Pacer(20, never, () => 500);
    assert.equal(await pacer.waitUntil(440), 60);
  });

  it("ends every wait when the signal comes", async () => {
    const abort = new AbortController();
    const pacer = new Pacer(20, abort.signal);
    const dueMs = performance.now() + 3_600_000;
    const waits = [pacer.waitUntil(dueMs), pacer.waitUntil(dueMs)];
    abort.abort();
    assert.deepEqual(await Promise.all([...waits, pacer.waitUntil(dueMs)]), [0, 0, 0]);
  });
});
