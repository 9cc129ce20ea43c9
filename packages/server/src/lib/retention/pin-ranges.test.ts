import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PinRanges } from "./pin-ranges.ts";

const rangeOf = (length: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: length }))
    .map(([fromMs, lengthMs]) => ({ fromMs, toMs: fromMs + lengthMs }));
const pin = fc.tuple(rangeOf(60), fc.constantFrom("a", "b", null)).map(([range, hwid]) => ({ ...range, hwid }));

describe("PinRanges", () => {
  it("touches what overlaps a pin of the same device, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(pin, { maxLength: 12 }),
        rangeOf(20),
        fc.constantFrom("a", "b", null),
        (pins, range, hwid) => {
          const expected = pins.some(
            (other) => other.hwid === hwid && other.fromMs < range.toMs && other.toMs > range.fromMs,
          );
          assert.equal(new PinRanges(pins).touches(hwid, range.fromMs, range.toMs), expected);
        },
      ),
    );
  });
});
