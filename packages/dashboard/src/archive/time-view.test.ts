import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import {
  firstStretch,
  isAsLongAs,
  lengthOf,
  panSpan,
  timeTicks,
  unitAround,
  unitInPlaceOf,
  viewUnits,
  zoomSpan,
} from "./time-view.ts";

const fromMs = new Date(2026, 10, 22, 12).getTime();
const span = { fromMs, toMs: fromMs + 60_000 };

describe("zoomSpan", () => {
  it("keeps the moment under the pointer in its place", () => {
    const zoomed = zoomSpan(span, 0.5, fromMs + 15_000);
    assert.deepEqual(zoomed, { fromMs: fromMs + 7_500, toMs: fromMs + 37_500 });
  });

  it("goes from a millisecond to a year", () => {
    assert.equal(Math.round(lengthOf(zoomSpan(span, 1e-9, fromMs + 1_000)) * 10), 10);
    assert.ok(lengthOf(zoomSpan(span, 1e9, fromMs)) >= 366 * 86_400_000);
  });
});

describe("panSpan", () => {
  it("moves by a share of the length", () => {
    assert.deepEqual(panSpan(span, -0.5), { fromMs: fromMs - 30_000, toMs: fromMs + 30_000 });
  });
});

describe("unitAround", () => {
  const parts = (timeMs: number) => {
    const date = new Date(timeMs);
    return [date.getMonth(), date.getDate(), date.getHours()];
  };

  it("follows the calendar from a day on", () => {
    const bounds = (["day", "week", "month", "year"] as const).map((unit) => unitAround(unit, fromMs));
    assert.deepEqual(
      bounds.map((one) => [parts(one.fromMs), parts(one.toMs)]),
      [
        [
          [10, 22, 0],
          [10, 23, 0],
        ],
        [
          [10, 16, 0],
          [10, 23, 0],
        ],
        [
          [10, 1, 0],
          [11, 1, 0],
        ],
        [
          [0, 1, 0],
          [0, 1, 0],
        ],
      ],
    );
  });

  it("puts the moment in the middle of an hour", () => {
    assert.deepEqual(unitAround("hour", fromMs), { fromMs: fromMs - 1_800_000, toMs: fromMs + 1_800_000 });
  });
});

describe("unitInPlaceOf", () => {
  // A Monday, shortly after midnight.
  const nowMs = new Date(2026, 10, 23, 0, 20).getTime();
  const hourMs = 3_600_000;
  const lastHour = { fromMs: nowMs - hourMs, toMs: nowMs - 5_000 };

  it("ends now where the unit is not over, as long as it is", () => {
    const starts = viewUnits.map((unit) => {
      const { fromMs: startMs, toMs } = unitInPlaceOf(lastHour, unit, nowMs);
      assert.equal(toMs, nowMs, unit);
      return startMs;
    });
    assert.deepEqual(starts, [
      ...[nowMs - 60_000, nowMs - hourMs, new Date(2026, 10, 22, 0, 20).getTime()],
      ...[
        [2026, 10, 16],
        [2026, 9, 23],
        [2025, 10, 23],
      ].map(([year = 0, month = 0, day]) => new Date(year, month, day, 0, 20).getTime()),
    ]);
  });

  it("goes from one unit to the next at now, however long the one before was", () => {
    const year = unitInPlaceOf(lastHour, "year", nowMs);
    const [day, week] = (["day", "week"] as const).map((unit) => unitInPlaceOf(year, unit, nowMs + 1_000));
    assert.deepEqual([day?.toMs, week?.toMs], [nowMs + 1_000, nowMs + 1_000]);
  });

  it("takes the viewer's calendar for what is over", () => {
    const past = { fromMs: fromMs - 8 * 86_400_000, toMs: fromMs - 7 * 86_400_000 };
    for (const unit of ["day", "week"] as const) {
      assert.deepEqual(unitInPlaceOf(past, unit, nowMs), unitAround(unit, fromMs - 7.5 * 86_400_000));
    }
  });

  it("looks at what was, not at what is to come", () => {
    const future = { fromMs: nowMs + 10 * hourMs, toMs: nowMs + 20 * hourMs };
    assert.deepEqual(unitInPlaceOf(future, "hour", nowMs), { fromMs: nowMs - hourMs, toMs: nowMs });
  });

  it("takes the last day of a month that is shorter", () => {
    const endMs = new Date(2026, 2, 31, 12).getTime();
    const view = { fromMs: endMs - hourMs, toMs: endMs };
    assert.equal(unitInPlaceOf(view, "month", endMs).fromMs, new Date(2026, 1, 28, 12).getTime());
    const leapMs = new Date(2028, 1, 29, 12).getTime();
    const leap = unitInPlaceOf({ fromMs: leapMs - hourMs, toMs: leapMs }, "year", leapMs);
    assert.equal(leap.fromMs, new Date(2027, 1, 28, 12).getTime());
  });

  it("is taken for that unit, and for no other", () => {
    for (const unit of viewUnits) {
      const shown = unitInPlaceOf(lastHour, unit, nowMs);
      assert.deepEqual(
        viewUnits.filter((one) => isAsLongAs(shown, one)),
        [unit],
      );
    }
  });
});

describe("firstStretch", () => {
  const mono = { sampleRateHz: 16_000, channels: 1 };
  const stereo = { sampleRateHz: 48_000, channels: 2 };
  const spans = [
    { fromMs: 0, toMs: 100, ...mono },
    { fromMs: 101, toMs: 200, ...mono },
    { fromMs: 700, toMs: 800, ...mono },
  ];

  it("goes on across segments that follow, and ends at a hole", () => {
    assert.deepEqual(firstStretch(spans, 50, 0), { fromMs: 50, toMs: 201, ...mono });
    assert.deepEqual(firstStretch(spans, 50, 500), { fromMs: 50, toMs: 801, ...mono });
    assert.deepEqual(firstStretch(spans.slice(2), 300, 0), { fromMs: 700, toMs: 801, ...mono });
  });

  it("is nothing where nothing is", () => {
    assert.equal(firstStretch([], 0, 0), undefined);
  });

  it("ends where rate or channels change, and goes on behind it", () => {
    for (const other of [stereo, { ...mono, channels: 2 }, { ...mono, sampleRateHz: 8_000 }]) {
      const mixed = [...spans.slice(0, 2), { fromMs: 200, toMs: 400, ...other }, { fromMs: 401, toMs: 500, ...other }];
      assert.deepEqual(firstStretch(mixed, 0, 3_000), { fromMs: 0, toMs: 200, ...mono });
      // The last millisecond is of both.
      assert.deepEqual(firstStretch(mixed.slice(1), 200, 3_000), { fromMs: 201, toMs: 501, ...other });
    }
  });

  it("leaves out what overlaps another format", () => {
    const long = { fromMs: 0, toMs: 1_000, ...mono };
    const inside = { fromMs: 300, toMs: 500, ...stereo };
    assert.deepEqual(firstStretch([long, inside], 0, 0), { fromMs: 0, toMs: 300, ...mono });
    assert.deepEqual(firstStretch([long, inside], 300, 0), { fromMs: 501, toMs: 1_001, ...mono });
  });

  it("covers all that is recorded but what overlaps, stretch by stretch", () => {
    const formats = fc.constantFrom(mono, stereo);
    const anySpan = fc.record({ fromMs: fc.nat(600), lengthMs: fc.integer({ min: 1, max: 150 }), format: formats });
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 8 }), fc.nat(300), (drafts, maxHoleMs) => {
        const recorded = drafts
          .map(({ fromMs, lengthMs, format }) => ({ fromMs, toMs: fromMs + lengthMs, ...format }))
          .sort((one, next) => one.fromMs - next.fromMs);
        const heard: (typeof mono | undefined)[] = [];
        for (let atMs = 0; ; ) {
          const stretch = firstStretch(
            recorded.filter(({ toMs }) => toMs >= atMs),
            atMs,
            maxHoleMs,
          );
          if (stretch === undefined) break;
          assert.ok(stretch.fromMs >= atMs && stretch.toMs > stretch.fromMs);
          for (let timeMs = stretch.fromMs; timeMs < stretch.toMs; timeMs += 1) heard[timeMs] = stretch;
          atMs = stretch.toMs;
        }
        for (let timeMs = 0; timeMs < 800; timeMs += 1) {
          const there = recorded.filter(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs);
          const rates = new Set(there.map(({ sampleRateHz }) => sampleRateHz));
          const rate = heard[timeMs]?.sampleRateHz;
          if (rates.size === 1) assert.ok(rate !== undefined && rates.has(rate), `${timeMs} ms is heard`);
          if (rates.size > 1) assert.equal(rate, undefined, `${timeMs} ms is of two formats`);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("timeTicks", () => {
  it("stands at round times of the viewer's zone", () => {
    assert.deepEqual(
      timeTicks(span, 6).map(({ label }) => label),
      ["12:00:00", "12:00:10", "12:00:20", "12:00:30", "12:00:40", "12:00:50"],
    );
    const ticks = timeTicks({ fromMs: fromMs + 1, toMs: fromMs + 86_400_000 }, 5);
    assert.deepEqual(
      ticks.map(({ timeMs }) => new Date(timeMs).getHours()),
      [18, 0, 6],
    );
  });

  it("follows the calendar where days are marked, and shows milliseconds where they are", () => {
    const days = timeTicks({ fromMs, toMs: fromMs + 300 * 86_400_000 }, 8);
    assert.ok(days.length > 2 && days.length <= 8);
    assert.ok(days.every(({ timeMs }) => new Date(timeMs).getHours() === 0));
    assert.ok(days.every(({ timeMs }) => new Date(timeMs).getDate() === 1));
    const year = timeTicks(unitAround("year", fromMs), 12);
    assert.equal(year.length, 12);
    assert.equal(year[0]?.label, "2026");
    // Every third day would leave no room for the label of the last one.
    assert.equal(timeTicks(unitAround("week", fromMs), 3).length, 4);
    assert.match(timeTicks({ fromMs, toMs: fromMs + 40 }, 5)[1]?.label ?? "", /12:00:00\.010/);
  });

  it("leaves no label alone on a narrow axis, wherever the span begins, nor any over another", () => {
    // As many of the longest labels as a phone of 390 px has room for, above an archive and below a live picture.
    const axes = [
      { maxCount: 3, lengthMs: 8 * 60_000 },
      { maxCount: 3, lengthMs: 504_000 },
      { maxCount: 3, lengthMs: 50_400 },
      { maxCount: 2, lengthMs: 6_025 },
      { maxCount: 3, lengthMs: 366 * 86_400_000 },
    ];
    for (const { maxCount, lengthMs } of axes) {
      for (let step = 0; step < 100; step += 1) {
        const view = { fromMs: fromMs + step * 1_234_567, toMs: fromMs + step * 1_234_567 + lengthMs };
        const ticks = timeTicks(view, maxCount);
        const labelled = ticks.filter(({ timeMs }) => timeMs <= view.toMs - lengthMs / (maxCount + 1.6));
        assert.ok(labelled.length >= 2, `${labelled.length} labels of ${lengthMs} ms`);
        const leastMs = Math.min(...ticks.slice(1).map(({ timeMs }, at) => timeMs - (ticks[at]?.timeMs ?? 0)));
        // February is short.
        assert.ok(leastMs >= (lengthMs / (maxCount + 1.6)) * 0.9, `${leastMs} ms apart of ${lengthMs}`);
      }
    }
  });

  it("has no more of the longest labels than there is room for", () => {
    for (const lengthMs of [1, 7, 40, 120, 900]) {
      assert.ok(timeTicks({ fromMs, toMs: fromMs + lengthMs }, 3).length <= 4, `${lengthMs} ms`);
    }
  });

  it("names the day at midnight only", () => {
    const midnight = new Date(2026, 10, 22).getTime();
    const labels = timeTicks({ fromMs: midnight, toMs: midnight + 40_000 }, 4).map(({ label }) => label);
    assert.match(labels[0] ?? "", /\b22\b/);
    assert.deepEqual(labels.slice(1), ["00:00:10", "00:00:20", "00:00:30"]);
  });
});

describe("timeTicks on days on which clocks change", () => {
  const zoneName = "TZ";
  const zone = process.env[zoneName];
  before(() => {
    process.env[zoneName] = "Europe/Berlin";
  });
  after(() => {
    if (zone === undefined) delete process.env[zoneName];
    else process.env[zoneName] = zone;
  });
  const hoursOf = (month: number, day: number, maxCount: number) => {
    const view = { fromMs: new Date(2026, month, day).getTime(), toMs: new Date(2026, month, day + 1).getTime() };
    return timeTicks(view, maxCount).map(({ timeMs, label }) => [new Date(timeMs).getHours(), label]);
  };

  it("stands at whole hours of the clock, of 23 hours and of 25", () => {
    assert.deepEqual(hoursOf(2, 29, 5).slice(1), [
      [6, "06:00"],
      [12, "12:00"],
      [18, "18:00"],
    ]);
    assert.deepEqual(
      hoursOf(9, 25, 5).map(([hour]) => hour),
      [0, 6, 12, 18],
    );
  });

  it("marks no hour twice that a day has not", () => {
    const hours = hoursOf(2, 29, 24).map(([hour]) => hour);
    assert.deepEqual(hours.slice(0, 4), [0, 1, 3, 4]);
    assert.equal(hours.length, 23);
  });
});
