import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Figure } from "./figure.ts";
import { curvesPicture, insertSections, performanceSections, readmeSections } from "./performance-docs.ts";
import { type ResultFile, readKeptResults } from "./result-file.ts";

const machine = {
  ...{ processor: "A processor", coreCount: 2, memoryGiB: 8, system: "Linux 6", node: "v24.1.0", loadBefore: 0.04 },
};
const resultOf = (...figures: readonly Figure[]): ResultFile => ({
  ...{ version: "eet.bench/1", at: "2026-01-02T03:04:05.000Z", commit: "abc1234", machine, figures },
});
const ratio = (streams: number, value: number): Figure => ({
  name: `acks, ${streams} x adpcm of 20 ms, acknowledged: CPU per frame, eet against null-ws`,
  ...{ value, unit: "x", better: "less", goal: 0.5, spread: [value - 0.1, value + 0.1] },
});
const loop: Figure = { name: "event-loop delay, longest", value: 12, unit: "ms", better: "less" };
const point = (line: string, at: number): Figure => ({
  ...{ name: `${line} ${at}`, value: at, unit: "us", better: "less", point: { line, at } },
});

describe("insertSections", () => {
  const page = "a\n<!-- bench one: begin -->\nold\n<!-- bench one: end -->\nb\n";

  it("replaces what is between the markers and nothing else, and is the same when done again", () => {
    const written = insertSections(page, { one: "new" });
    assert.equal(written, "a\n<!-- bench one: begin -->\n\nnew\n\n<!-- bench one: end -->\nb\n");
    assert.equal(insertSections(written, { one: "new" }), written);
  });

  it("empties what was not measured", () => {
    assert.equal(insertSections(page, { one: "" }), "a\n<!-- bench one: begin -->\n<!-- bench one: end -->\nb\n");
  });

  it("misses markers", () => {
    assert.throws(() => insertSections(page, { two: "" }), /bench two: begin/);
  });
});

describe("performanceSections", () => {
  const results = {
    goals: resultOf(ratio(200, 0.6), ratio(1_000, 0.4), loop),
    curves: resultOf(point("eet", 10), point("eet", 20)),
    catalog: resultOf({ name: "catalog of 10: devices, p95", value: 3, unit: "ms", better: "less", goal: 50 }),
  };

  it("sets what was found beside the goal and says whether it is met, by whom and when it was measured", () => {
    const { goals = "", figures = "" } = performanceSections(results);
    assert.match(
      goals,
      /^Measured on 2026-01-02, commit abc1234: A processor, 2 cores, 8 GiB, Linux 6, Node 24.1.0, load 0.0 before\.$/m,
    );
    assert.match(goals, /^\| acks, 200 .* \| 0.600 x \(0.500 to 0.700\) \| at most 0.5 x \| \*\*no\*\* \|$/m);
    assert.match(goals, /^\| acks, 1000 .* \| at most 0.5 x \| yes \|$/m);
    assert.match(figures, /^\| event-loop delay, longest \| 12.0 ms \|$/m);
  });

  it("has a table below the picture of the curves", () => {
    const { curves = "" } = performanceSections(results);
    assert.match(
      curves,
      /!\[.+\]\(performance\/curves\.svg\)\n\n\| streams \| eet \|\n\| --- \| --- \|\n\| 10 \| 10.0 us \|/,
    );
  });

  it("sets what a catalogue answers beside the goal", () => {
    const { catalog = "" } = performanceSections(results);
    assert.match(catalog, /^\| catalog of 10: devices, p95 \| 3.00 ms \| at most 50 ms \| yes \|$/m);
  });

  it("is empty where nothing was measured", () => {
    assert.deepEqual(performanceSections({ goals: undefined, curves: undefined, catalog: undefined }), {
      goals: "",
      figures: "",
      curves: "",
      catalog: "",
    });
  });
});

describe("readmeSections", () => {
  it("takes the largest fleet's figure, and leaves out what was not measured", () => {
    const { performance = "" } = readmeSections({
      goals: resultOf(ratio(200, 0.6), ratio(1_000, 0.4)),
      curves: undefined,
      catalog: undefined,
    });
    assert.match(performance, /only counts frames \| 0.400 x/);
    assert.doesNotMatch(performance, /0.600|memory/);
  });
});

describe("README.md and docs/performance.md", () => {
  const root = join(import.meta.dirname, "../..");

  it("show the figures of docs/performance (`node scripts/write-performance-docs.ts` writes them)", async () => {
    const results = await readKeptResults(join(root, "docs/performance"));
    const [readme, page] = await Promise.all(
      ["README.md", "docs/performance.md"].map((name) => readFile(join(root, name), "utf8")),
    );
    assert.equal(insertSections(readme ?? "", readmeSections(results)), readme);
    assert.equal(insertSections(page ?? "", performanceSections(results)), page);
    const picturePath = join(root, "docs/performance/curves.svg");
    const picture = existsSync(picturePath) ? await readFile(picturePath, "utf8") : undefined;
    assert.equal(picture, results.curves && curvesPicture(results.curves));
  });
});
