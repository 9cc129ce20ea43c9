import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { gridIndexAt, gridMsAt } from "./sample-grid.ts";

const anyRate = fc.constantFrom(4_000, 11_025, 16_000, 44_100, 191_990, 192_000);

describe("gridIndexAt", () => {
  it("is the nearest sample, exactly, for any time of these centuries", () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000_000), anyRate, (ms, rateHz) => {
        const twice = BigInt(ms) * BigInt(rateHz) * 2n;
        assert.equal(BigInt(gridIndexAt(ms, rateHz)), (twice + 1_000n) / 2_000n);
      }),
    );
  });

  it("is undone by gridMsAt", () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), fc.nat(191_999), anyRate, (seconds, rest, rateHz) => {
        const index = seconds * rateHz + (rest % rateHz);
        assert.equal(gridIndexAt(gridMsAt(index, rateHz), rateHz), index);
      }),
    );
  });

  it("never goes back", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 4e12, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        anyRate,
        (ms, more, rateHz) => {
          assert.ok(gridIndexAt(ms + more, rateHz) >= gridIndexAt(ms, rateHz));
        },
      ),
    );
  });
});
