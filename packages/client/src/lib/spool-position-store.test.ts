import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { appendFrames, facts, SpoolBench } from "./spool.test-support.ts";
import type { Journal } from "./spool.ts";
import { readPosition } from "./spool-position-store.ts";

let bench: SpoolBench;
let journal: Journal;

beforeEach(async () => {
  bench = await SpoolBench.create();
  const spool = await bench.open({ syncIntervalMs: 1 });
  journal = await spool.createJournal(facts);
  appendFrames(journal, 0, 100, 100);
  await journal.flush();
});

afterEach(() => bench.close());

const folderIn = (folder: string) => join(folder, "00000001");

async function acknowledge(seq: number): Promise<void> {
  journal.acknowledge(seq);
  while ((await readPosition(folderIn(bench.folder))) !== seq) await setImmediate();
}

async function countAfterCrash(folder: string): Promise<number | undefined> {
  return (await bench.open({ folder })).journals[0]?.frameCount;
}

describe("PositionKeeper", () => {
  it("has who comes after a crash go on where the acknowledgements were", async () => {
    await acknowledge(60);
    assert.equal(await countAfterCrash(bench.copy()), 40);
    await acknowledge(77);
    assert.equal(await countAfterCrash(bench.copy()), 23);
  });

  it("is passed over when it is torn: frames come again rather than too few", async () => {
    await acknowledge(60);
    const folder = bench.copy();
    await truncate(join(folderIn(folder), "acknowledged"), 7);
    assert.equal(await countAfterCrash(folder), 100);
  });
});
