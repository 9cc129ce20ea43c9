import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import { Headroom } from "./headroom.ts";

const minuteMs = 60_000;

class FakeClock implements Clock {
  nowMs = 1e9;
  wallMs(): WallMs {
    return (this.nowMs + 7e11) as WallMs;
  }
  monotonicMs(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }
}

/** A disk of which nothing is known of before. */
function openDisk() {
  const clock = new FakeClock();
  const disk = { clock, heldBytes: 5e9 };
  const headroom = new Headroom(clock, { bytes: 0, sinceMs: clock.wallMs() }, () => disk.heldBytes);
  /** Minute by minute. */
  const pass = (minutes: number, perMinute: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      disk.heldBytes += perMinute;
      clock.nowMs += minuteMs;
      headroom.sample();
    }
  };
  return { disk, headroom, pass };
}

describe("Headroom", () => {
  it("says nothing before it knows a minute", () => {
    const { disk, headroom } = openDisk();
    disk.heldBytes += 1000;
    disk.clock.nowMs += minuteMs - 1;
    assert.equal(headroom.hoursUntil(1e6), undefined);
    disk.clock.nowMs += 1;
    assert.equal(headroom.bytesPerHour, 60_000);
    assert.equal(headroom.hoursUntil(120_000), 2);
    assert.equal(headroom.knownS, 60);
  });

  it("begins with what the catalogue knows, which leaves the mean as the hour passes", () => {
    const clock = new FakeClock();
    const headroom = new Headroom(clock, { bytes: 6e6, sinceMs: clock.wallMs() - 60 * minuteMs });
    assert.equal(headroom.bytesPerHour, 6e6);
    const pass = (minutes: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        clock.nowMs += minuteMs;
        headroom.sample();
      }
    };
    pass(30);
    assert.ok(Math.abs((headroom.bytesPerHour ?? 0) - 3e6) <= 2e5, String(headroom.bytesPerHour));
    pass(31);
    assert.equal(headroom.bytesPerHour, 0);
    assert.equal(headroom.hoursUntil(1), Infinity);
  });

  it("takes the part of an hour that the catalogue tells of for what it is", () => {
    const clock = new FakeClock();
    const headroom = new Headroom(clock, { bytes: 1e6, sinceMs: clock.wallMs() - 6 * minuteMs });
    assert.equal(Math.round(headroom.bytesPerHour ?? 0), 1e7);
    assert.equal(headroom.knownS, 360);
    clock.nowMs += 90 * minuteMs;
    assert.equal(headroom.knownS, 3_600);
  });

  it("follows a steady rate, and another one within an hour", () => {
    const { headroom, pass } = openDisk();
    pass(300, 1000);
    assert.equal(headroom.bytesPerHour, 60_000);
    assert.equal(headroom.hoursUntil(-5), 0);
    pass(61, 3000);
    assert.equal(headroom.bytesPerHour, 180_000);
  });

  it("does not fill where as much is removed as recorded, or more", () => {
    const { headroom, pass } = openDisk();
    pass(60, 1000);
    for (let run = 0; run < 7; run += 1) {
      pass(9, 1000);
      // What a run of the retention takes every ten minutes.
      pass(1, 1000 - 10_000);
    }
    assert.equal(headroom.bytesPerHour, 0);
    assert.equal(headroom.hoursUntil(1e6), Infinity);
    pass(30, -1000);
    assert.ok((headroom.bytesPerHour ?? 0) < 0);
    assert.equal(headroom.hoursUntil(1e6), Infinity);
  });
});
