import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RequestError } from "../kernel/errors.ts";
import { formatTime, parseTime } from "./time-parameter.ts";

const nowMs = Date.UTC(2026, 2, 1, 12);
const parse = (text: string) => parseTime("from", text, nowMs);

describe("parseTime", () => {
  it("takes now and times before it", () => {
    assert.equal(parse("now"), nowMs);
    assert.equal(parse("-5m"), nowMs - 300_000);
    assert.equal(parse("-1.5h"), nowMs - 5_400_000);
    assert.equal(parse("-250ms"), nowMs - 250);
    assert.equal(parse("-2w"), nowMs - 14 * 86_400_000);
  });

  it("takes ms since 1970", () => {
    assert.equal(parse("0"), 0);
    assert.equal(parse("1772366400000"), nowMs);
    assert.equal(parse("1772366400000.125"), nowMs + 0.125);
  });

  it("takes ISO 8601 with a zone, and dates", () => {
    for (const text of [
      "2026-03-01T12:00:00.000Z",
      "2026-03-01T12:00Z",
      "2026-03-01T13:00:00+01:00",
      "2026-03-01T13:00:00 01:00",
      "2026-03-01T07:30:00-0430",
    ]) {
      assert.equal(parse(text), nowMs, text);
    }
    assert.equal(parse("2026-03-01"), nowMs - 12 * 3_600_000);
    assert.equal(parse("2024-02-29T00:00:00Z"), Date.UTC(2024, 1, 29));
    assert.equal(parse("2026-03-01T12:00:00.0005Z"), nowMs + 0.5);
  });

  it("refuses what is no time, or not one for sure, and says what is allowed", () => {
    for (const text of [
      "",
      "yesterday",
      "5m",
      "+5m",
      "-5",
      "-5y",
      "1e12",
      "NaN",
      "2026-02-30T00:00:00Z",
      "2026-13-01",
      "2026-03-01T12:00:00",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:00:60Z",
      "2026-03-01T12:00:00+24:00",
      "9999999999999999",
      "-9999999w",
    ]) {
      assert.throws(
        () => parse(text),
        (error) =>
          error instanceof RequestError &&
          error.code === "PARAMETER_INVALID" &&
          error.message.startsWith(`from is ${JSON.stringify(text)}; allowed: ISO 8601`),
        text,
      );
    }
  });

  it("reads back what formatTime writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (timeMs) => {
        assert.equal(parse(formatTime(timeMs)), timeMs);
        assert.equal(parse(String(timeMs)), timeMs);
      }),
    );
  });

  it("agrees with Date on every zone", () => {
    const zone = fc.record({
      sign: fc.constantFrom("+", "-"),
      hours: fc.integer({ min: 0, max: 23 }),
      minutes: fc.integer({ min: 0, max: 59 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 86_400_000 * 2, max: 253_402_300_799_999 }), zone, (timeMs, offset) => {
        const two = (number: number) => String(number).padStart(2, "0");
        const local = new Date(timeMs).toISOString().slice(0, -1);
        const text = `${local}${offset.sign}${two(offset.hours)}:${two(offset.minutes)}`;
        assert.equal(parse(text), Date.parse(text));
      }),
    );
  });

  it("counts relative times from now", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom("ms", "s", "m", "h", "d"), (amount, unit) => {
        const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
        assert.equal(parse(`-${amount}${unit}`), nowMs - amount * units[unit]);
      }),
    );
  });

  it("throws nothing but its error, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789-+:TZ.mshdw nowe") }), (text) => {
        try {
          assert.ok(parse(text) >= 0);
        } catch (error) {
          assert.ok(error instanceof RequestError);
        }
      }),
    );
  });
});
