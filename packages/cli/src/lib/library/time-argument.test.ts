import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeArgument } from "./time-argument.ts";

/** A day of this machine, at noon. */
const now = new Date(2026, 10, 22, 12, 0, 0);
const read = (text: string) => timeArgument(text, now.getTime());

describe("timeArgument", () => {
  it("reads a time of day as today's, here", () => {
    assert.equal(read("14:30"), new Date(2026, 10, 22, 14, 30).toISOString());
    assert.equal(read("9:05:07.5"), new Date(2026, 10, 22, 9, 5, 7, 500).toISOString());
  });

  it("reads what has no zone as this machine's", () => {
    assert.equal(read("2026-02-03"), new Date(2026, 1, 3).toISOString());
    assert.equal(read("2026-02-03T04:05"), new Date(2026, 1, 3, 4, 5).toISOString());
    assert.equal(read("2026-02-03 04:05:06.789"), new Date(2026, 1, 3, 4, 5, 6, 789).toISOString());
  });

  it("reads what has a zone, ms since 1970, and what counts from now", () => {
    assert.equal(read("2026-02-03T04:05:06Z"), "2026-02-03T04:05:06.000Z");
    assert.equal(read("2026-02-03T04:05:06.25+02:00"), "2026-02-03T02:05:06.250Z");
    assert.equal(read("1700000000123"), "2023-11-14T22:13:20.123Z");
    assert.equal(read(" now "), now.toISOString());
    for (const [text, ms] of [
      ["-250ms", 250],
      ["-30s", 30_000],
      ["-1.5m", 90_000],
      ["-2h", 7_200_000],
      ["-7d", 604_800_000],
      ["-1w", 604_800_000],
    ] as const)
      assert.equal(read(text), new Date(now.getTime() - ms).toISOString());
  });

  it("refuses what is no time, saying what is", () => {
    for (const text of ["", "24:00", "12:60", "2026-02-30", "2026-13-01", "5m", "+5m", "-5y", "yesterday", "12"])
      assert.throws(() => read(text), /Allowed: 14:30, 2026-11-22, .* now\./, text);
  });
});
