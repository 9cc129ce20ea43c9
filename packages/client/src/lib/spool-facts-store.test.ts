import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { facts } from "./spool.test-support.ts";
import {
  checkFacts,
  formatJournalState,
  type JournalState,
  parseJournalState,
  readJournalState,
  writeJournalState,
} from "./spool-facts-store.ts";

const state: JournalState = {
  facts,
  session: 2n ** 64n - 1n,
  isSealed: true,
  droppedFrameCount: 3,
  acknowledgedSeq: 2 ** 33,
  nextSeq: 2 ** 33 + 5,
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-facts-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("writeJournalState", () => {
  it("replaces the file and leaves nothing else", async () => {
    await writeJournalState(folder, state);
    const changed = { ...state, session: undefined, isSealed: false };
    await writeJournalState(folder, changed);
    assert.deepEqual(await readJournalState(folder), changed);
    assert.deepEqual(await readdir(folder), ["journal.json"]);
  });

  it("is not disturbed by what an earlier process left half written", async () => {
    await writeFile(join(folder, "journal.json.tmp"), "x".repeat(10_000));
    await writeJournalState(folder, state);
    assert.deepEqual(await readJournalState(folder), state);
  });
});

describe("readJournalState", () => {
  it("tells a missing file from a damaged one", async () => {
    await assert.rejects(readJournalState(folder), { code: "ENOENT" });
    await writeFile(join(folder, "journal.json"), formatJournalState(state).slice(0, -10));
    await assert.rejects(readJournalState(folder), { code: "SPOOL_DAMAGED" });
  });
});

describe("parseJournalState", () => {
  it("reads what formatJournalState wrote", () => {
    assert.deepEqual(parseJournalState(formatJournalState(state)), state);
    const anonymous = { ...state, facts: { ...facts, hwid: null, nibbleOrder: null } };
    assert.deepEqual(parseJournalState(formatJournalState(anonymous)), anonymous);
  });

  it("refuses every cut and every changed digit", () => {
    const json = formatJournalState(state);
    for (let length = 0; length < json.trimEnd().length; length++) {
      assert.equal(parseJournalState(json.slice(0, length)), undefined, `cut at ${length}`);
    }
    for (const { index } of json.matchAll(/\d/g)) {
      const digit = (Number(json[index]) + 1) % 10;
      const changed = `${json.slice(0, index)}${digit}${json.slice(index + 1)}`;
      assert.equal(parseJournalState(changed), undefined, `digit at ${index}`);
    }
  });

  it("refuses what is whole but makes no sense", () => {
    const { crc32: _, ...content } = JSON.parse(formatJournalState(state));
    const parse = (changes: object) => {
      const changed = { ...content, ...changes };
      return parseJournalState(JSON.stringify({ ...changed, crc32: crc32(JSON.stringify(changed)) }));
    };
    assert.deepEqual(parse({}), state);
    for (const changes of [
      { version: 2 },
      { hwid: 5 },
      { hwid: "x".repeat(65) },
      { streamId: -1 },
      { startMs: 0.5 },
      { nibbleOrder: "middle" },
      { format: null },
      { format: { ...facts.format, codec: "toString" } },
      { format: { ...facts.format, channels: 0 } },
      { session: "0" },
      { session: "18446744073709551616" },
      { session: 5 },
      { isSealed: 1 },
      { droppedFrameCount: "3" },
      { acknowledgedSeq: -1 },
      { nextSeq: null },
    ]) {
      assert.equal(parse(changes), undefined, JSON.stringify(changes));
    }
    for (const json of ["", "null", "[]", "5"]) assert.equal(parseJournalState(json), undefined, json);
  });
});

describe("parseJournalState", () => {
  it("takes nothing that is nested too deep to be written again", () => {
    const deep = "[".repeat(30_000) + "]".repeat(30_000);
    assert.equal(parseJournalState(`{"crc32":1,"version":${deep}}`), undefined);
  });
});

describe("checkFacts", () => {
  it("names what no server takes", () => {
    checkFacts(facts);
    assert.throws(
      () => checkFacts({ ...facts, streamId: 2 ** 32 }),
      /RangeError: streamId of the journal is 4294967296/,
    );
    assert.throws(() => checkFacts({ ...facts, format: { ...facts.format, sampleRateHz: 1 } }), /RangeError: format/);
  });
});
