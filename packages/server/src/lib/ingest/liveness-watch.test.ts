import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs } from "../kernel/clock.ts";
import { LivenessWatch } from "./liveness-watch.ts";

function ms(value: number): MonotonicMs {
  return value as MonotonicMs;
}

describe("LivenessWatch", () => {
  it("asks for a ping at 25 s of silence and again at 50 s, and gives up at 75 s [P-3.3]", () => {
    const watch = new LivenessWatch(ms(1_000));
    assert.equal(watch.check(ms(25_999), 0), "alive");
    assert.equal(watch.check(ms(26_000), 0), "ping");
    assert.equal(watch.check(ms(26_001), 0), "alive");
    assert.equal(watch.check(ms(50_999), 0), "alive");
    assert.equal(watch.check(ms(51_000), 0), "ping");
    assert.equal(watch.check(ms(75_999), 0), "alive");
    assert.equal(watch.check(ms(76_000), 0), "lost");
  });

  it("starts anew at any inbound byte [P-3.3]", () => {
    const watch = new LivenessWatch(ms(0));
    assert.equal(watch.check(ms(74_999), 1), "alive");
    assert.equal(watch.check(ms(99_998), 1), "alive");
    assert.equal(watch.check(ms(99_999), 1), "ping");
    assert.equal(watch.check(ms(140_000), 2), "alive");
  });

  it("forgives the silence of a socket that was not read", () => {
    const watch = new LivenessWatch(ms(0));
    watch.excuse(ms(70_000));
    assert.equal(watch.check(ms(94_999), 0), "alive");
    assert.equal(watch.check(ms(144_999), 0), "ping");
    assert.equal(watch.check(ms(145_000), 0), "lost");
  });
});
