import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatBytes, formatDuration, formatTextTable, formatTextTableParts, formatZonedTime } from "./text-table.ts";

describe("formatTextTable", () => {
  it("makes columns as wide as they need to be, without blanks at the end", () => {
    const columns = [{ head: "name" }, { head: "n", align: "right" }, { head: "notes" }] as const;
    const rows = [
      ["kitchen", "5", ""],
      ["x", "1000", "old"],
    ];
    assert.equal(
      formatTextTable(columns, rows),
      ["name        n  notes\n", "kitchen     5\n", "x        1000  old\n"].join(""),
    );
  });

  it("shows control and direction characters of a name as �: a name neither moves the cursor nor breaks a row", () => {
    const rows = [["a\u001b[31mred\nx\u009b\u202ey\u2028"]];
    assert.equal(formatTextTable([{ head: "name" }], rows), "name\na�[31mred�x��y�\n");
  });
});

describe("formatTextTableParts", () => {
  it("gives the heads once, and keeps what is wide from part to part", () => {
    const format = formatTextTableParts([{ head: "name" }, { head: "n", align: "right" }]);
    assert.equal(format([["kitchen", "5"]]), "name     n\nkitchen  5\n");
    assert.equal(format([["x", "1000"]]), "x        1000\n");
    assert.equal(format([["y", "1"]]), "y           1\n");
  });
});

describe("formatBytes", () => {
  it("counts in units of 1000, with three digits", () => {
    const shown = [0, 999, 1000, 9_949, 99_960, 999_600, 1_500_000, 2.5e9, 7e15].map(formatBytes);
    assert.deepEqual(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "100 kB", "1.0 MB", "1.5 MB", "2.5 GB", "7000 TB"]);
  });
});

describe("formatDuration", () => {
  it("shows seconds, minutes, hours", () => {
    const shown = [0.25, 9.5, 59.9, 60, 185.4, 3600, 90_061].map(formatDuration);
    assert.deepEqual(shown, ["0.25 s", "9.50 s", "59.9 s", "1:00", "3:05", "1:00:00", "25:01:01"]);
  });
});

describe("formatZonedTime", () => {
  it("shows the same moment in this machine's time zone, which it names", () => {
    const iso = "2026-07-01T12:30:05.250Z";
    const shown = formatZonedTime(iso);
    assert.match(shown, /^\d{4}-\d\d-\d\dT\d\d:\d\d:05\.250[+-]\d\d:\d\d$/);
    assert.equal(new Date(shown).toISOString(), iso);
    assert.equal(new Date(shown.slice(0, 23)).toISOString(), iso);
  });
});
