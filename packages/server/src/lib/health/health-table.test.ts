import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { segmentVariableNames } from "../kernel/segment-variables.ts";
import { eventTypes } from "../kernel/server-event.ts";
import { healthRules } from "./health-conditions.ts";
import { formatHealthTable } from "./health-table.ts";

const page = await readFile(new URL("../../../../../docs/events.md", import.meta.url), "utf8");

describe("formatHealthTable", () => {
  it("is what docs/events.md shows", () => {
    const [, table] = page.split(/<!-- conditions: (?:begin|end) -->\n/);
    assert.equal(table, formatHealthTable());
  });
});

describe("healthRules", () => {
  it("have thresholds apart and more than one segment either way", () => {
    for (const { condition, enterAt, leaveBelow, badCount, goodCount } of healthRules) {
      assert.ok(leaveBelow < enterAt, condition);
      assert.ok(badCount >= 2 && goodCount >= 2, condition);
    }
  });
});

describe("docs/events.md", () => {
  it("tells of every type of event with an example, and of every variable", () => {
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]) => JSON.parse(json));
    const shown = new Set(examples.map(({ type }) => type));
    for (const type of eventTypes) assert.ok(shown.has(type) || page.includes(`\`${type}\` has`), type);
    for (const name of segmentVariableNames) assert.ok(page.includes(`\`${name}\``), name);
  });
});
