import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatDay } from "../format/format-time.ts";
import { describeSpan, describeUtc, momentIn } from "./describe-span.ts";
import { unitAround } from "./time-view.ts";

const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime();
const nowMs = at(22, 12);

describe("describeSpan", () => {
  it("names whole days, the last one included", () => {
    const [first, last] = [formatDay(at(16, 0)), formatDay(at(22, 0))];
    assert.equal(describeSpan({ fromMs: at(22, 0), toMs: at(23, 0) }, nowMs), last);
    assert.equal(describeSpan({ fromMs: at(16, 0), toMs: at(23, 0) }, nowMs), `${first} to ${last}`);
  });

  it("tells times, and the second day only where it is another one", () => {
    const day = formatDay(at(21, 0));
    assert.equal(describeSpan({ fromMs: at(21, 9), toMs: at(21, 10) }, nowMs), `${day}, 09:00:00 to 10:00:00`);
    const next = formatDay(at(22, 0));
    assert.equal(describeSpan({ fromMs: at(21, 9), toMs: at(22, 1) }, nowMs), `${day}, 09:00 to ${next}, 01:00`);
    const fromMs = at(21, 9) + 20;
    assert.equal(describeSpan({ fromMs, toMs: fromMs + 1_500 }, nowMs), `${day}, 09:00:00.020 to 09:00:01.520`);
  });

  it("names a whole month and a whole year", () => {
    assert.match(describeSpan(unitAround("month", nowMs), nowMs), /^\D+ 2026$/);
    assert.equal(describeSpan(unitAround("year", nowMs), nowMs), "2026");
  });

  it("tells another year", () => {
    const fromMs = new Date(2024, 4, 1).getTime();
    assert.match(describeSpan({ fromMs, toMs: fromMs + 60_000 }, nowMs), / 2024, /);
  });
});

describe("momentIn", () => {
  it("is as exact as what is in view, and tells the day where several are", () => {
    const timeMs = at(21, 9) + 20;
    assert.equal(momentIn({ fromMs: timeMs, toMs: timeMs + 5 }, timeMs, nowMs), "09:00:00.020");
    assert.equal(momentIn({ fromMs: at(21, 8), toMs: at(21, 10) }, timeMs, nowMs), "09:00:00");
    assert.equal(momentIn(unitAround("day", timeMs), timeMs, nowMs), "09:00");
    assert.equal(momentIn(unitAround("week", timeMs), timeMs, nowMs), `${formatDay(timeMs)}, 09:00`);
  });
});

describe("describeUtc", () => {
  it("tells milliseconds where they are seen", () => {
    const timeMs = Date.parse("2026-11-21T09:00:00.020Z");
    assert.equal(describeUtc(timeMs, 40), "2026-11-21 09:00:00.020 UTC");
    assert.equal(describeUtc(timeMs, 3_600_000), "2026-11-21 09:00:00 UTC");
  });
});
