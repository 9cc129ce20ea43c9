import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs } from "../kernel/clock.ts";
import { FrameActivity } from "./frame-activity.ts";

describe("FrameActivity", () => {
  const at = (ms: number) => ms as MonotonicMs;

  it("tells once that no frame has come for 10 s, and once that they come again", () => {
    const activity = new FrameActivity(at(1_000));
    assert.equal(activity.check(at(2_000), 1), undefined);
    assert.equal(activity.check(at(11_999), 1), undefined);
    assert.equal(activity.check(at(12_000), 1), "silent");
    assert.equal(activity.check(at(60_000), 1), undefined);
    assert.equal(activity.silenceMs(at(60_000)), 58_000);
    assert.equal(activity.check(at(61_000), 2), "sends");
    assert.equal(activity.check(at(62_000), 3), undefined);
    assert.equal(activity.silenceMs(at(62_500)), 500);
  });

  it("counts from the handshake when no frame has come at all", () => {
    const activity = new FrameActivity(at(1_000));
    assert.equal(activity.check(at(10_999), 0), undefined);
    assert.equal(activity.check(at(11_000), 0), "silent");
  });
});
