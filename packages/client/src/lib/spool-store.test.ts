import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  appendFrames,
  expectedFrames,
  facts,
  payloadOf,
  range,
  readAll,
  readSeqs,
  SpoolBench,
} from "./spool.test-support.ts";

let bench: SpoolBench;

beforeEach(async () => {
  bench = await SpoolBench.create();
});

afterEach(() => bench.close());

/** Leaves a journal with frames `from` to `to - 1` behind, and the folder of it. */
async function leaveJournal(from: number, to: number): Promise<string> {
  const spool = await bench.open();
  const journal = await spool.createJournal(facts);
  appendFrames(journal, from, to, 100);
  await spool.close();
  return join(bench.folder, String(spool.journals.length).padStart(8, "0"));
}

describe("openSpool", () => {
  it("creates the folder and finds no journals in it", async () => {
    const spool = await bench.open();
    assert.deepEqual([spool.journals, spool.byteLength, spool.maxBytes], [[], 0, 1024 ** 3]);
  });

  it("creates folders above it, and tells when it cannot", async () => {
    const folder = join(bench.root, "a", "b", "c");
    await (await bench.open({ folder })).createJournal(facts);
    await writeFile(join(bench.root, "file"), "");
    for (const bad of [join(bench.root, "file"), join(bench.root, "file", "spool")]) {
      await assert.rejects(bench.open({ folder: bad }), { code: "SPOOL_IO", message: /file.* cannot be created/ });
    }
  });

  it("refuses a folder that is in use, and says by whom", async () => {
    const spool = await bench.open();
    await assert.rejects(bench.open(), {
      code: "SPOOL_LOCKED",
      message: `the spool ${bench.folder} is in use by pid ${process.pid} on ${hostname()}`,
    });
    await spool.close();
    await bench.open();
  });

  it("refuses options out of range", async () => {
    for (const options of [{ maxBytes: 65_535 }, { maxBytes: 1e5 + 0.5 }, { syncIntervalMs: 0 }, { fileBytes: 0 }]) {
      await assert.rejects(bench.open(options), RangeError, JSON.stringify(options));
    }
  });

  it("lists what earlier processes left, oldest first, with facts, session and frames", async () => {
    const first = await bench.open();
    const old = await first.createJournal(facts);
    await old.setSession(17n);
    appendFrames(old, 0, 20);
    const others = [
      { ...facts, hwid: null, nibbleOrder: null },
      { ...facts, streamId: 2 ** 32 - 1, startMs: 0 },
    ];
    for (const other of others) appendFrames(await first.createJournal(other), 5, 10);
    await first.close();
    const spool = await bench.open();
    assert.deepEqual(
      spool.journals.map((journal) => journal.facts),
      [facts, ...others],
    );
    const [journal] = spool.journals;
    assert.deepEqual([journal?.session, journal?.isSealed, journal?.frameCount], [17n, false, 20]);
    assert.deepEqual(await readAll(journal!), expectedFrames(0, 20));
    assert.deepEqual(await readSeqs(spool.journals[2]!), range(5, 10));
    assert.equal(
      spool.byteLength,
      spool.journals.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
  });

  it("goes on in a journal of an earlier process, never behind what a crash left torn", async () => {
    const folder = await leaveJournal(0, 20);
    const [path = ""] = await bench.filePaths();
    // As after a crash: the mark is missing, and something torn stands in its place.
    const records = (await readFile(path)).subarray(0, -40);
    await writeFile(path, Buffer.concat([records, Buffer.alloc(33, 1)]));
    for (let from = 20; from < 50; from += 10) {
      const spool = await bench.open();
      const [journal] = spool.journals;
      assert.equal(journal?.nextSeq, from);
      appendFrames(journal!, from, from + 10, 100);
      assert.deepEqual(await readAll(journal!), expectedFrames(0, from + 10, 100));
      await spool.close();
    }
    assert.deepEqual((await readdir(folder)).length, 5);
    assert.deepEqual(new Set(bench.errorCodes), new Set(["SPOOL_DAMAGED"]));
  });

  it("finds frames once that a failed sync left in two files", async () => {
    await leaveJournal(0, 30);
    const [first = ""] = await bench.filePaths();
    const records = (await readFile(first)).subarray(0, -40);
    const second = first.replace("00000001.frames", "00000002.frames");
    await writeFile(second, records.subarray(120 * 10));
    await writeFile(first, records.subarray(0, 120 * 20));
    const spool = await bench.open();
    const [journal] = spool.journals;
    assert.deepEqual([journal?.frameCount, journal?.nextSeq], [30, 30]);
    assert.deepEqual(await readAll(journal!), expectedFrames(0, 30, 100));
    journal?.acknowledge(20);
    await journal?.flush();
    assert.deepEqual(await readSeqs(journal!), range(20, 30));
  });

  it("moves a journal aside whose journal.json is damaged or missing, tells of it and keeps its frames", async () => {
    const folder = await leaveJournal(0, 20);
    for (const [index, spoil] of [
      () => appendFile(join(folder, "journal.json"), "x"),
      () => writeFile(join(folder, "journal.json"), ""),
      () => rm(join(folder, "journal.json")),
    ].entries()) {
      bench.errors.length = 0;
      const copy = bench.copy();
      const kept = await readFile(join(folder, "00000001.frames"));
      await spoil();
      const spool = await bench.open();
      assert.deepEqual([spool.journals, spool.byteLength], [[], 0]);
      assert.deepEqual(bench.errorCodes, ["SPOOL_DAMAGED"], `case ${index}`);
      assert.match(
        bench.errors[0]?.message ?? "",
        /00000001 is (damaged|missing); its frames are kept in .*\.damaged$/,
      );
      assert.deepEqual(await readFile(join(`${folder}.damaged`, "00000001.frames")), kept);
      await spool.createJournal(facts);
      assert.ok((await readdir(bench.folder)).includes("00000002"));
      await spool.close();
      await rm(bench.folder, { recursive: true });
      await cp(copy, bench.folder, { recursive: true });
    }
  });

  it("leaves a journal alone that it cannot read now", async () => {
    const folder = await leaveJournal(0, 20);
    await mkdir(join(folder, "00000002.frames"));
    const spool = await bench.open();
    assert.deepEqual([spool.journals, bench.errorCodes], [[], ["SPOOL_IO"]]);
    await spool.close();
    await rm(join(folder, "00000002.frames"), { recursive: true });
    const [journal] = (await bench.open()).journals;
    assert.deepEqual(await readSeqs(journal!), range(0, 20));
  });

  it("clears away what a crash left of journals that were created or removed", async () => {
    const folder = await leaveJournal(0, 20);
    await mkdir(join(bench.folder, "00000005"));
    await writeFile(join(bench.folder, "00000005", "journal.json.tmp"), "{");
    await rename(folder, `${folder}.removed`);
    await writeFile(join(bench.folder, "notes.txt"), "mine");
    const spool = await bench.open();
    assert.deepEqual([spool.journals, bench.errors], [[], []]);
    assert.deepEqual((await readdir(bench.folder)).sort(), ["notes.txt", "spool.lock", "spool.lock.txt"]);
  });
});

describe("Spool.createJournal", () => {
  it("survives a crash at once", async () => {
    const spool = await bench.open();
    await spool.createJournal(facts);
    const [journal] = (await bench.open({ folder: bench.copy() })).journals;
    assert.deepEqual([journal?.facts, journal?.session, journal?.nextSeq], [facts, undefined, 0]);
  });

  it("refuses facts that no server takes, and a spool that is closed", async () => {
    const spool = await bench.open();
    await assert.rejects(spool.createJournal({ ...facts, streamId: -1 }), RangeError);
    await spool.close();
    await assert.rejects(spool.createJournal(facts), { code: "SPOOL_IO", message: /is closed/ });
  });

  it("tells when the folder cannot be written", async () => {
    const spool = await bench.open();
    await writeFile(join(bench.folder, "00000001"), "in the way");
    await assert.rejects(spool.createJournal(facts), {
      code: "SPOOL_IO",
      message: /00000001 cannot be created: EEXIST/,
    });
  });
});

describe("Spool.maxBytes", () => {
  it("bounds all journals together; acknowledgements make room", async () => {
    const spool = await bench.open({ maxBytes: 65_536 });
    const [a, b] = [await spool.createJournal(facts), await spool.createJournal(facts)];
    assert.equal(appendFrames(a, 0, 40, 980), 40);
    assert.equal(appendFrames(b, 0, 40, 980), 25);
    assert.equal(b.append(25, 1, payloadOf(25, 980)), "spool-full");
    assert.equal(b.nextSeq, 25);
    await Promise.all([a.flush(), b.flush()]);
    assert.ok(spool.byteLength <= 65_536 + 40 * (await bench.filePaths()).length);
    assert.equal(b.append(25, 1, payloadOf(25, 980)), "spool-full");
    const room = b.waitForRoom();
    a.acknowledge(40);
    await room;
    await a.flush();
    assert.equal(appendFrames(b, 25, 60, 980), 35);
    assert.deepEqual(await readAll(b), expectedFrames(0, 60, 980));
  });

  it("is not taken up by files that wait for more frames, all of theirs being acknowledged", async () => {
    const spool = await bench.open({ maxBytes: 65_536, fileBytes: 60_000 });
    const [a, b] = [await spool.createJournal(facts), await spool.createJournal(facts)];
    appendFrames(a, 0, 20, 980);
    await a.flush();
    a.acknowledge(20);
    assert.equal(appendFrames(b, 0, 60, 980), 45);
    for (let next = 45; next < 60; next += appendFrames(b, next, 60, 980)) await b.waitForRoom();
    assert.deepEqual(await readAll(b), expectedFrames(0, 60, 980));
  });

  it("bounds what earlier processes left, too", async () => {
    await leaveJournal(0, 1_000);
    const spool = await bench.open({ maxBytes: 65_536 });
    const journal = await spool.createJournal(facts);
    assert.equal(journal.append(0, 1, payloadOf(0)), "spool-full");
  });
});

describe("Spool.dropOldest", () => {
  it("frees whole files of the oldest journal and says which frames went", async () => {
    const spool = await bench.open({ fileBytes: 1_200 });
    const [old, young] = [await spool.createJournal(facts), await spool.createJournal(facts)];
    appendFrames(old, 100, 150, 100);
    appendFrames(young, 0, 50, 100);
    await Promise.all([old.flush(), young.flush()]);
    old.acknowledge(105);
    const before = spool.byteLength;
    const dropped = await spool.dropOldest(1_500);
    assert.deepEqual(dropped, [{ journal: old, fromSeq: 105, nextSeq: 120, frameCount: 15, sampleCount: 7_200 }]);
    assert.ok(before - spool.byteLength >= 1_500);
    assert.deepEqual([old.oldestSeq, old.droppedFrameCount, old.frameCount], [120, 15, 30]);
    assert.deepEqual(await readSeqs(old), range(120, 150));
    assert.deepEqual(await readSeqs(young), range(0, 50));
  });

  it("goes on with the next journal, down to the files that take frames", async () => {
    const spool = await bench.open({ fileBytes: 1_200 });
    const [old, young] = [await spool.createJournal(facts), await spool.createJournal(facts)];
    appendFrames(old, 0, 25, 100);
    appendFrames(young, 0, 25, 100);
    await Promise.all([old.flush(), young.flush()]);
    appendFrames(young, 25, 30, 100);
    const dropped = await spool.dropOldest(1e9);
    assert.deepEqual(
      dropped.map(({ journal, fromSeq, nextSeq }) => [journal, fromSeq, nextSeq]),
      [
        [old, 0, 25],
        [young, 0, 25],
      ],
    );
    assert.deepEqual(await readSeqs(young), range(25, 30));
    assert.equal(spool.byteLength, 600);
    appendFrames(old, 25, 30, 100);
    await old.flush();
    assert.deepEqual(await readSeqs(old), range(25, 30));
    assert.deepEqual(await spool.dropOldest(0), []);
  });

  it("says nothing of frames that were acknowledged", async () => {
    const spool = await bench.open();
    const journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 25, 100);
    await journal.flush();
    journal.acknowledge(25);
    assert.deepEqual(await spool.dropOldest(1), []);
    assert.deepEqual([spool.byteLength, journal.droppedFrameCount], [0, 0]);
  });

  it("loses nothing, and tells so once, when a file cannot be deleted", async () => {
    const spool = await bench.open({ fileBytes: 1_200 });
    const journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 50, 100);
    await journal.flush();
    const [oldest = ""] = await bench.filePaths();
    const aside = join(bench.root, "aside");
    // A folder is none that a file's deletion takes.
    await rename(oldest, aside);
    await mkdir(oldest);
    const byteLength = spool.byteLength;
    assert.deepEqual([await spool.dropOldest(1), await spool.dropOldest(1)], [[], []]);
    assert.deepEqual(bench.errorCodes, ["SPOOL_IO"]);
    assert.deepEqual([journal.oldestSeq, journal.droppedFrameCount, spool.byteLength], [0, 0, byteLength]);
    await rmdir(oldest);
    await rename(aside, oldest);
    assert.deepEqual(await readSeqs(journal), range(0, 50));
    const [dropped] = await spool.dropOldest(1);
    assert.deepEqual([dropped?.fromSeq, dropped?.nextSeq], [0, 10]);
  });

  it("is remembered without a close", async () => {
    const spool = await bench.open({ fileBytes: 1_200 });
    const journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 50, 100);
    await journal.flush();
    await spool.dropOldest(1);
    const [copied] = (await bench.open({ folder: bench.copy() })).journals;
    assert.deepEqual([copied?.droppedFrameCount, copied?.oldestSeq], [10, 10]);
  });

  it("makes room for those who wait", async () => {
    const spool = await bench.open({ maxBytes: 65_536 });
    const journal = await spool.createJournal(facts);
    const accepted = appendFrames(journal, 0, 100, 980);
    await journal.flush();
    assert.equal(journal.append(accepted, 1, payloadOf(1, 980)), "spool-full");
    const room = journal.waitForRoom();
    await spool.dropOldest(1_000);
    await room;
    assert.equal(journal.append(accepted, 1, payloadOf(1, 980)), "accepted");
  });
});

describe("Spool.close", () => {
  it("leaves everything on the disk and gives the folder free; later calls do nothing", async () => {
    const spool = await bench.open();
    const journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 500);
    const closing = spool.close();
    assert.equal(journal.append(500, 1, payloadOf(1)), "closed");
    await Promise.all([closing, spool.close()]);
    const again = await bench.open();
    await spool.close();
    assert.deepEqual(await readAll(again.journals[0]!), expectedFrames(0, 500));
    assert.deepEqual(bench.errors, []);
  });

  it("ends the wait for room", async () => {
    const spool = await bench.open({ maxBytes: 65_536 });
    const journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 100, 980);
    const room = journal.waitForRoom();
    await spool.close();
    await room;
    await journal.waitForRoom();
  });
});
