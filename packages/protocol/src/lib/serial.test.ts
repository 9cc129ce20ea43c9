import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { serialDistance } from "./serial.ts";

const anySerial = fc.nat({ max: 0xffffffff });

describe("serialDistance", () => {
  it("counts the steps across the wrap in both directions [P-2.2]", () => {
    assert.equal(serialDistance(5, 5), 0);
    assert.equal(serialDistance(0xffffffff, 0), 1);
    assert.equal(serialDistance(0, 0xffffffff), -1);
    assert.equal(serialDistance(0xfffffffe, 3), 5);
  });

  it("is positive up to 2^31 - 1 steps, then negative [P-2.2]", () => {
    assert.equal(serialDistance(7, 7 + 0x7fffffff), 0x7fffffff);
    assert.equal(serialDistance(7, 7 + 0x80000000), -0x80000000);
    assert.equal(serialDistance(7, 7 + 0x80000001), -0x7fffffff);
  });

  it("leads back to where it was measured to, from any number", () => {
    fc.assert(
      fc.property(anySerial, anySerial, (from, to) => {
        assert.equal((from + serialDistance(from, to)) >>> 0, to);
      }),
    );
  });
});
