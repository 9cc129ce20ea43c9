import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fullJitterMs } from "./backoff.ts";

const almostOne = 1 - Number.EPSILON / 2;

describe("fullJitterMs", () => {
  it("doubles the bound with each attempt up to the cap", () => {
    const bounds = [0, 1, 2, 3, 4, 5].map((attempt) =>
      fullJitterMs(attempt, { baseMs: 1000, capMs: 10_000, random: () => almostOne }),
    );
    assert.deepEqual(bounds, [999, 1999, 3999, 7999, 9999, 9999]);
  });

  it("spreads the wait over the whole range", () => {
    const options = { baseMs: 1000, capMs: 300_000 };
    assert.equal(fullJitterMs(3, { ...options, random: () => 0 }), 0);
    assert.equal(fullJitterMs(3, { ...options, random: () => 0.5 }), 4000);
  });

  it("stays a whole number below the cap for any number of attempts", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(1_000_000), (attempt, capMs) => {
        const waitMs = fullJitterMs(attempt, { baseMs: 1000, capMs });
        assert.ok(Number.isSafeInteger(waitMs) && waitMs >= 0 && waitMs <= capMs, `${waitMs}`);
      }),
    );
  });
});
