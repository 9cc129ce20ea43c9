import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { FakeClock } from "../recording/recording.test-support.ts";
import { type Delayed, DelayQueue } from "./delay-queue.ts";

describe("DelayQueue", () => {
  let clock: FakeClock;
  let scheduler: DelayQueue;
  let calls: string[];

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval"] });
    clock = new FakeClock();
    scheduler = new DelayQueue(clock, 250);
    calls = [];
  });

  afterEach(() => {
    scheduler.close();
    mock.timers.reset();
  });

  const delayed = (name: string): Delayed => ({ delayOver: () => calls.push(`${name} at ${clock.nowMs}`) });

  it("calls once, at most 25 ms before the delay is over", () => {
    scheduler.schedule(delayed("a"));
    clock.advance(220);
    assert.deepEqual(calls, []);
    clock.advance(30);
    assert.deepEqual(calls, ["a at 225"]);
    clock.advance(1_000);
    assert.equal(calls.length, 1);
  });

  it("calls none late, whenever between two ticks it came", () => {
    scheduler.schedule(delayed("a"));
    for (let offsetMs = 5; offsetMs <= 50; offsetMs += 5) {
      clock.advance(5);
      scheduler.schedule({ delayOver: () => calls.push(`${clock.nowMs - offsetMs}`) });
    }
    clock.advance(400);
    const waits = calls.slice(1).map(Number);
    assert.equal(waits.length, 10);
    assert.ok(
      waits.every((ms) => ms >= 225 && ms <= 250),
      waits.join(),
    );
  });

  it("calls in the order of scheduling, and again what schedules itself anew", () => {
    const again: Delayed = {
      delayOver: () => {
        calls.push(`again at ${clock.nowMs}`);
        scheduler.schedule(again);
      },
    };
    scheduler.schedule(again);
    scheduler.schedule(delayed("b"));
    clock.advance(500);
    assert.deepEqual(calls, ["again at 225", "b at 225", "again at 450"]);
  });

  it("serves more streams than it cuts from its queue at once", () => {
    let flushCount = 0;
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 700; count++) scheduler.schedule({ delayOver: () => flushCount++ });
      clock.advance(100);
    }
    clock.advance(250);
    assert.equal(flushCount, 2_800);
  });

  it("forgets what waits when it is closed, and starts again", () => {
    scheduler.schedule(delayed("a"));
    scheduler.close();
    clock.advance(500);
    scheduler.schedule(delayed("b"));
    clock.advance(250);
    assert.deepEqual(calls, ["b at 725"]);
  });

  it("keeps no timer while nothing waits", () => {
    mock.timers.reset();
    const countTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = countTimers();
    scheduler.schedule(delayed("a"));
    assert.equal(countTimers(), before + 1);
    scheduler.close();
    assert.equal(countTimers(), before);
  });
});
