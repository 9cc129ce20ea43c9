import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
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
  systemError,
  type TestDisk,
} from "./spool.test-support.ts";
import type { Journal, Spool } from "./spool.ts";

let bench: SpoolBench;
let disk: TestDisk;
let spool: Spool;
let journal: Journal;

beforeEach(async () => {
  bench = await SpoolBench.create();
  disk = bench.disk;
  spool = await bench.open();
  journal = await spool.createJournal(facts);
});

afterEach(() => bench.close());

/** Makes operations of one kind fail, the first `count` of them. */
function fail(kind: "create" | "write" | "sync", code: string, count = Number.POSITIVE_INFINITY): void {
  let left = count;
  disk.before = (operation) => {
    if (operation === kind && left-- > 0) throw systemError(code);
  };
}

async function readCopy(): Promise<number[]> {
  const copy = await bench.open({ folder: bench.copy() });
  const seqs = await readSeqs(copy.journals.at(-1)!);
  await copy.close();
  return seqs;
}

function append(seq: number): string {
  return journal.append(seq, 1, payloadOf(seq));
}

describe("a sync that fails", () => {
  it("is not tried again on that file: all that was not synced goes into a fresh one", async () => {
    appendFrames(journal, 0, 20, 100);
    await journal.flush();
    appendFrames(journal, 20, 30, 100);
    fail("sync", "EIO", 1);
    await journal.flush();
    assert.deepEqual(
      disk.syncs.map((path) => basename(path)),
      ["00000001.frames", "00000001.frames", "00000002.frames"],
    );
    assert.deepEqual([journal.syncedSeq, journal.frameCount], [30, 30]);
    const sizes = await Promise.all((await bench.filePaths()).map(async (path) => (await stat(path)).size));
    assert.deepEqual(sizes, [20 * 120, 10 * 120]);
    assert.equal(spool.byteLength, 30 * 120);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 30, 100));
    assert.deepEqual(await readCopy(), range(0, 30));
    assert.deepEqual(bench.errorCodes, ["SPOOL_IO"]);
    assert.equal(append(30), "accepted");
  });

  it("leaves no file behind in which nothing was synced", async () => {
    appendFrames(journal, 0, 20, 100);
    fail("sync", "EIO", 1);
    await journal.flush();
    assert.deepEqual(
      (await bench.filePaths()).map((path) => basename(path)),
      ["00000002.frames"],
    );
    assert.deepEqual(await readCopy(), range(0, 20));
  });

  it("loses nothing that was written when the process dies before a fresh file has it", async () => {
    appendFrames(journal, 0, 20, 100);
    let copied: Promise<number[]> | undefined;
    disk.before = (operation, path) => {
      if (operation === "sync" && path.includes("00000001.frames")) throw systemError("EIO");
      if (operation === "write" && path.includes("00000002.frames")) copied ??= readCopy();
    };
    await journal.flush();
    assert.deepEqual(await copied, range(0, 20));
  });

  it("goes on in a fresh file by itself, while frames come in", async () => {
    await spool.close();
    spool = await bench.open({ syncIntervalMs: 1 });
    journal = await spool.createJournal(facts);
    fail("sync", "EIO", 1);
    appendFrames(journal, 0, 20, 100);
    await disk.next("sync");
    assert.equal(append(20), "accepted");
    await disk.next("sync");
    await journal.flush();
    assert.equal(journal.syncedSeq, 21);
    assert.deepEqual(
      (await bench.filePaths()).map((path) => basename(path)),
      ["00000002.frames"],
    );
    assert.deepEqual(await readSeqs(journal), range(0, 21));
  });

  it("keeps frames in memory while it fails on every file, refuses more, and makes up for it later", async () => {
    appendFrames(journal, 0, 20, 100);
    fail("sync", "EIO");
    await assert.rejects(journal.flush(), { code: "SPOOL_IO", message: /frames cannot be written to .*EIO/ });
    assert.equal(append(20), "disk-failing");
    await assert.rejects(journal.flush(), { code: "SPOOL_IO" });
    assert.deepEqual(bench.errorCodes, ["SPOOL_IO"], "told once");
    assert.deepEqual([journal.frameCount, journal.syncedSeq], [20, 0]);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 20, 100));
    disk.heal();
    const room = journal.waitForRoom();
    await journal.flush();
    await room;
    assert.equal(append(20), "accepted");
    await journal.flush();
    assert.deepEqual(await readSeqs(journal), range(0, 21));
    assert.deepEqual(await readCopy(), range(0, 21));
    assert.ok((await bench.filePaths()).length <= 2, "no pile of files");
    fail("sync", "EIO");
    append(21);
    await assert.rejects(journal.flush(), { code: "SPOOL_IO" });
    assert.deepEqual(bench.errorCodes, ["SPOOL_IO", "SPOOL_IO"], "told again");
  });

  it("never syncs a file twice after its failure, in any order of failures", async () => {
    const failed = new Set<string>();
    let count = 0;
    disk.before = (operation, path) => {
      if (operation !== "sync") return;
      assert.ok(!failed.has(path), `${path} is synced again`);
      if (++count % 3 === 0) return;
      failed.add(path);
      throw systemError("EIO");
    };
    for (let seq = 0; seq < 40; seq++) {
      if (append(seq) !== "accepted") seq--;
      await journal.flush().catch(() => {});
    }
    disk.heal();
    await journal.flush();
    assert.deepEqual(await readSeqs(journal), range(0, 40));
    assert.deepEqual(await readCopy(), range(0, 40));
  });
});

describe("a write that fails", () => {
  it("with EIO goes on in a fresh file", async () => {
    appendFrames(journal, 0, 20, 100);
    await journal.flush();
    appendFrames(journal, 20, 30, 100);
    fail("write", "EIO", 1);
    await journal.flush();
    assert.deepEqual(await readAll(journal), expectedFrames(0, 30, 100));
    assert.deepEqual(await readCopy(), range(0, 30));
    assert.equal((await bench.filePaths()).length, 2);
  });

  it("with ENOSPC goes on at the same place once there is room, over what was torn", async () => {
    appendFrames(journal, 0, 20, 100);
    await journal.flush();
    appendFrames(journal, 20, 30, 100);
    fail("write", "ENOSPC");
    await assert.rejects(journal.flush(), { code: "SPOOL_DISK_FULL" });
    assert.equal(append(30), "disk-full");
    assert.equal(journal.nextSeq, 30);
    const [path = ""] = await bench.filePaths();
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(500, 0xee)]));
    assert.deepEqual(await readAll(journal), expectedFrames(0, 30, 100));
    assert.deepEqual(await readCopy(), range(0, 20), "what is torn is passed over");
    disk.heal();
    await journal.flush();
    assert.equal(append(30), "accepted");
    await journal.flush();
    assert.equal((await bench.filePaths()).length, 1);
    assert.deepEqual(await readSeqs(journal), range(0, 31));
    assert.deepEqual(await readCopy(), range(0, 31));
  });

  it("is tried again by itself", async () => {
    fail("write", "ENOSPC", 2);
    appendFrames(journal, 0, 20, 100);
    await disk.next("write");
    await disk.next("write");
    await new Promise(setImmediate);
    assert.equal(append(20), "disk-full");
    await journal.waitForRoom();
    assert.equal(append(20), "accepted");
    assert.equal(journal.syncedSeq, 20);
    assert.deepEqual(await readCopy(), range(0, 20));
  });

  it("is no matter for frames that were acknowledged meanwhile", async () => {
    fail("write", "ENOSPC");
    appendFrames(journal, 0, 20, 100);
    await assert.rejects(journal.flush(), { code: "SPOOL_DISK_FULL" });
    journal.acknowledge(20);
    await journal.flush();
    assert.deepEqual([spool.byteLength, journal.syncedSeq], [0, 20]);
    assert.equal(append(20), "accepted");
    await assert.rejects(journal.flush(), { code: "SPOOL_DISK_FULL" });
    assert.deepEqual(bench.errorCodes, ["SPOOL_DISK_FULL"], "told once");
  });

  it("leaves room to be made by dropOldest", async () => {
    await spool.close();
    spool = await bench.open({ fileBytes: 1_200 });
    journal = await spool.createJournal(facts);
    appendFrames(journal, 0, 50, 100);
    await journal.flush();
    fail("write", "ENOSPC");
    appendFrames(journal, 50, 60, 100);
    await assert.rejects(journal.flush(), { code: "SPOOL_DISK_FULL" });
    const [dropped] = await spool.dropOldest(1_000);
    assert.deepEqual([dropped?.fromSeq, dropped?.nextSeq], [0, 10]);
    disk.heal();
    await journal.flush();
    assert.deepEqual(await readSeqs(journal), range(10, 60));
  });
});

describe("a file that cannot be created", () => {
  it("is tried again, and nothing is lost", async () => {
    appendFrames(journal, 0, 20, 100);
    fail("create", "EMFILE");
    await assert.rejects(journal.flush(), { code: "SPOOL_IO", message: /EMFILE/ });
    assert.equal(append(20), "disk-failing");
    fail("create", "ENOSPC");
    await assert.rejects(journal.flush(), { code: "SPOOL_DISK_FULL" });
    assert.equal(append(20), "disk-full");
    assert.deepEqual(await readAll(journal), expectedFrames(0, 20, 100));
    disk.heal();
    await journal.flush();
    assert.deepEqual(await readCopy(), range(0, 20));
  });
});

describe("a disk that hangs", () => {
  it("in a sync does not keep frames from being written", async () => {
    const gate = Promise.withResolvers<void>();
    await spool.close();
    spool = await bench.open({ syncIntervalMs: 1 });
    journal = await spool.createJournal(facts);
    const begun = Promise.withResolvers<void>();
    disk.before = (operation) => {
      if (operation !== "sync") return;
      begun.resolve();
      return gate.promise;
    };
    appendFrames(journal, 0, 20, 100);
    await begun.promise;
    appendFrames(journal, 20, 30, 100);
    await disk.next("write");
    await new Promise(setImmediate);
    assert.deepEqual([journal.writtenSeq, journal.syncedSeq], [30, 0]);
    gate.resolve();
    await journal.flush();
    assert.equal(journal.syncedSeq, 30);
  });

  it("in a sync does not count as synced what was written after it began", async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await spool.close();
    spool = await bench.open({ syncIntervalMs: 1 });
    journal = await spool.createJournal(facts);
    let count = 0;
    disk.before = (operation) => {
      if (operation !== "sync") return;
      begun[count]?.resolve();
      return gates[count++]?.promise;
    };
    appendFrames(journal, 0, 20, 100);
    await begun[0]?.promise;
    appendFrames(journal, 20, 30, 100);
    await disk.next("write");
    gates[0]?.resolve();
    await begun[1]?.promise;
    assert.deepEqual([journal.writtenSeq, journal.syncedSeq], [30, 20]);
    gates[1]?.resolve();
    await journal.flush();
    assert.equal(journal.syncedSeq, 30);
  });

  it("lets no more than 8 MiB wait in memory", async () => {
    const gate = Promise.withResolvers<void>();
    disk.before = (operation) => (operation === "write" ? gate.promise : undefined);
    const accepted = appendFrames(journal, 0, 1_000, 10_000);
    assert.equal(accepted, Math.floor((8 * 1024 * 1024) / 10_020));
    assert.equal(journal.append(accepted, 1, payloadOf(accepted, 10_000)), "disk-slow");
    const room = journal.waitForRoom();
    gate.resolve();
    await room;
    await journal.flush();
    assert.equal(journal.append(accepted, 1, payloadOf(accepted, 10_000)), "accepted");
    assert.deepEqual(await readSeqs(journal), range(0, accepted + 1));
  });
});

describe("a sync that fails while frames are written", () => {
  it("has both in the fresh file, in order", async () => {
    await spool.close();
    spool = await bench.open({ syncIntervalMs: 1 });
    journal = await spool.createJournal(facts);
    const syncing = Promise.withResolvers<void>();
    const writing = Promise.withResolvers<void>();
    let hasFailed = false;
    disk.before = async (operation) => {
      if (hasFailed) return;
      if (operation === "sync") {
        syncing.resolve();
        await writing.promise;
        hasFailed = true;
        throw systemError("EIO");
      }
      if (journal.nextSeq === 30) {
        const failed = disk.next("sync");
        writing.resolve();
        await failed;
      }
    };
    appendFrames(journal, 0, 20, 100);
    await syncing.promise;
    appendFrames(journal, 20, 30, 100);
    await writing.promise;
    await journal.flush();
    assert.ok(hasFailed);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 30, 100));
    assert.deepEqual(
      (await bench.filePaths()).map((path) => basename(path)),
      ["00000002.frames"],
    );
    assert.deepEqual(await readCopy(), range(0, 30));
  });
});

describe("Spool.close on a disk that fails", () => {
  it("does not reject, tells what is lost and gives the folder free", async () => {
    appendFrames(journal, 0, 20, 100);
    fail("write", "ENOSPC");
    await spool.close();
    assert.deepEqual(bench.errorCodes, ["SPOOL_DISK_FULL", "SPOOL_DISK_FULL", "SPOOL_IO"]);
    assert.match(bench.errors.at(-1)?.message ?? "", /^20 frames could not be written/);
    await bench.open();
  });
});
