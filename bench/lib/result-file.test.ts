import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeTemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Figure } from "./figure.ts";
import { describeMachine } from "./machine.ts";
import { compareResults, type ResultFile, readResultFile, writeResultFile } from "./result-file.ts";

const machine = describeMachine();
const resultOf = (...figures: readonly Figure[]): ResultFile => ({
  ...{ version: "eet.bench/1", at: "2026-01-02T03:04:05.000Z", commit: "abc1234", machine, figures },
});
const cpu = (value: number): Figure => ({ name: "cpu", value, unit: "us", better: "less" });
const rate = (value: number): Figure => ({ name: "rate", value, unit: "1/s", better: "more" });

describe("writeResultFile and readResultFile", () => {
  it("keep a result", async () => {
    await using folder = await makeTemporaryFolder();
    const path = join(folder.path, "result.json");
    const result = resultOf(cpu(12.5), rate(7));
    await writeResultFile(path, result);
    assert.deepEqual(await readResultFile(path), result);
  });

  it("refuse another file, and say how one is made", async () => {
    await using folder = await makeTemporaryFolder();
    const path = join(folder.path, "result.json");
    await writeFile(path, "{}");
    await assert.rejects(readResultFile(path), /holds no result of the bench; .*--json/);
  });
});

describe("compareResults", () => {
  it("says by how much the second is better or worse, whichever way is good", () => {
    const lines = compareResults(resultOf(cpu(20), rate(100)), resultOf(cpu(10), rate(90)));
    assert.match(lines[1] ?? "", /cpu +20\.0 us +10\.0 us +-50\.0 % better$/);
    assert.match(lines[2] ?? "", /rate +100 1\/s +90\.0 1\/s +-10\.0 % worse$/);
  });

  it("leaves out what only one of them has", () => {
    assert.equal(compareResults(resultOf(cpu(20)), resultOf(rate(90))).length, 1);
  });

  it("warns of two machines", () => {
    const other = { ...resultOf(cpu(1)), machine: { ...machine, processor: "another" } };
    assert.match(compareResults(resultOf(cpu(1)), other)[1] ?? "", /two machines/);
  });
});
