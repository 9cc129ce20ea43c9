import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatBytes, formatDb, formatPpm, formatRate, formatShare } from "./format-amount.ts";
import { formatAge, formatDuration, formatLength, formatMoment, formatRoom, formatUtc } from "./format-time.ts";

/** With ordinary spaces. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("formatBytes", () => {
  it("takes the unit that keeps three digits", () => {
    assert.deepEqual([0, 999, 1000, 12_440_000_000, 999_950].map(formatBytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "12.4 GB",
      "1.0 MB",
    ]);
  });
});

describe("formatDuration", () => {
  it("takes the unit that a person would", () => {
    const durations = [20, 950, 4_200, 10_500, 59_940, 59_960, 720_000, 12_000_000, 86_400_000, 450_000_000];
    assert.deepEqual(durations.map(formatDuration).map(plain), [
      ...["20 ms", "0.9 s", "4.2 s", "10.5 s", "59.9 s", "1 min", "12 min", "3 h 20 min", "24 h", "5 d"],
    ]);
  });

  it("does not round a part of a minute away", () => {
    assert.deepEqual([71_000, 89_000, 120_000, 599_000, 599_600].map(formatDuration).map(plain), [
      ...["1 min 11 s", "1 min 29 s", "2 min", "9 min 59 s", "10 min"],
    ]);
  });

  it("keeps number and unit on one line", () => {
    assert.doesNotMatch(formatDuration(71_000), / /);
  });
});

describe("formatLength", () => {
  it("grows from tenths of seconds to hours", () => {
    assert.deepEqual([7.44, 59.9, 63, 3_729].map(formatLength).map(plain), ["7.4 s", "59.9 s", "1:03", "1:02:09"]);
  });
});

describe("formatAge", () => {
  it("counts whole seconds, then whole minutes: a text that stands still can be read", () => {
    assert.deepEqual([0, 1_900, 59_900, 61_000, 119_000, 12_000_000].map(formatAge).map(plain), [
      ...["1 s", "1 s", "59 s", "1 min", "1 min", "3 h 20 min"],
    ]);
  });
});

describe("formatRoom", () => {
  it("takes the unit that a person would", () => {
    assert.deepEqual([0.4, 1, 30, 95.9, 96, 24 * 700, 24 * 800, 24 * 365 * 1900].map(formatRoom), [
      ...["less than an hour", "1 hour", "30 hours", "95 hours", "4 days", "700 days", "2 years", "over 10 years"],
    ]);
  });
});

describe("formatMoment", () => {
  it("tells the day where it is another one, the year where it is another one", () => {
    const nowMs = new Date(2026, 10, 22, 12).getTime();
    assert.equal(formatMoment(new Date(2026, 10, 22, 9, 5).getTime(), nowMs), "09:05");
    assert.doesNotMatch(formatMoment(new Date(2026, 10, 21, 9, 5).getTime(), nowMs), /2026/);
    assert.match(formatMoment(new Date(2025, 10, 21, 9, 5).getTime(), nowMs), /2025/);
  });
});

describe("formatShare", () => {
  it("calls nothing whole that is not", () => {
    assert.deepEqual([1, 0.999999, 0.9985, 0.5, 0].map(formatShare), ["100 %", "99.99 %", "99.9 %", "50.0 %", "0.0 %"]);
  });
});

describe("formatDb, formatPpm, formatRate, formatUtc", () => {
  it("write as people read", () => {
    assert.deepEqual([formatDb(-12.34), formatDb(null), formatDb(-120)], ["−12.3", "−∞", "−∞"]);
    assert.deepEqual([formatPpm(12.4), formatPpm(-3.25), formatPpm(0)], ["+12 ppm", "−3.3 ppm", "0 ppm"]);
    assert.deepEqual(
      [formatRate(16_000), formatRate(44_100), formatRate(11_025)],
      ["16 kHz", "44.1 kHz", "11.025 kHz"],
    );
    assert.equal(formatUtc(Date.UTC(2026, 10, 22, 14, 3, 12)), "2026-11-22 14:03:12 UTC");
  });
});
