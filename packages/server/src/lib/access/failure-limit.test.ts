import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs } from "../kernel/clock.ts";
import { FailureLimit } from "./failure-limit.ts";

function make(options: { readonly windowMs?: number } = {}) {
  const time = { nowMs: 5_000 };
  const clock = { monotonicMs: () => time.nowMs as MonotonicMs };
  const limit = new FailureLimit({ clock, maxCount: () => 3, ...options });
  const fail = (address: string, count = 3) => {
    for (let failure = 0; failure < count; failure += 1) limit.note(address);
  };
  return { time, limit, fail };
}

describe("FailureLimit", () => {
  it("makes an address wait for the rest of a minute that began with its first failure", () => {
    const { time, limit, fail } = make();
    fail("192.0.2.7", 2);
    assert.equal(limit.waitS("192.0.2.7"), 0);
    time.nowMs += 20_000;
    fail("192.0.2.7", 1);
    assert.equal(limit.waitS("192.0.2.7"), 40);
    assert.equal(limit.waitS("192.0.2.8"), 0, "another one does not wait");
    time.nowMs += 39_999;
    assert.equal(limit.waitS("192.0.2.7"), 1);
    time.nowMs += 1;
    assert.equal(limit.waitS("192.0.2.7"), 0);
    fail("192.0.2.7", 1);
    assert.equal(limit.waitS("192.0.2.7"), 0, "a new minute begins with nothing");
  });

  it("takes all addresses of an IPv6 /64 for one, and all of this machine", () => {
    const { limit } = make();
    for (const address of ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::ffff"]) limit.note(address);
    assert.equal(limit.waitS("2001:db8:1:2::9"), 60);
    assert.equal(limit.waitS("2001:db8:1:3::9"), 0);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.2"]) limit.note(address);
    assert.equal(limit.waitS("127.9.9.9"), 60);
  });

  it("goes by another window where it is given one", () => {
    const { time, limit, fail } = make({ windowMs: 10_000 });
    fail("192.0.2.7");
    assert.equal(limit.waitS("192.0.2.7"), 10);
    time.nowMs += 10_000;
    assert.equal(limit.waitS("192.0.2.7"), 0);
  });

  it("remembers 10 000 addresses and forgets the one that failed longest ago", () => {
    const { limit, fail } = make();
    fail("192.0.2.7");
    fail("192.0.2.8");
    for (let other = 0; other < 9_998; other += 1) limit.note(`10.0.${other >> 8}.${other & 255}`);
    assert.equal(limit.waitS("192.0.2.7"), 60);
    limit.note("10.1.0.0");
    assert.deepEqual([limit.waitS("192.0.2.7"), limit.waitS("192.0.2.8")], [0, 60]);
  });
});
