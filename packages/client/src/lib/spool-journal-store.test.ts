import assert from "node:assert/strict";
import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  appendFrames,
  expectedFrames,
  facts,
  frameSampleCount,
  payloadOf,
  range,
  readAll,
  readSeqs,
  SpoolBench,
} from "./spool.test-support.ts";
import type { Journal, Spool } from "./spool.ts";

let bench: SpoolBench;
let spool: Spool;
let journal: Journal;

beforeEach(async () => {
  bench = await SpoolBench.create();
  spool = await bench.open({ fileBytes: 4_000 });
  journal = await spool.createJournal(facts);
});

afterEach(async () => {
  await bench.close();
});

describe("Journal.append", () => {
  it("takes frames that frames() gives back in order, from memory and from files", async () => {
    appendFrames(journal, 0, 50);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 50));
    await journal.flush();
    assert.deepEqual(await readAll(journal), expectedFrames(0, 50));
    appendFrames(journal, 50, 60);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 60));
    assert.ok((await bench.filePaths()).length > 1);
  });

  it("counts frames, samples and bytes", async () => {
    assert.deepEqual([journal.frameCount, journal.sampleCount, journal.byteLength], [0, 0, 0]);
    appendFrames(journal, 0, 50, 100);
    assert.deepEqual([journal.frameCount, journal.sampleCount, journal.byteLength], [50, 24_000, 6_000]);
    assert.equal(spool.byteLength, 6_000);
    await journal.flush();
    const sizes = await Promise.all((await bench.filePaths()).map(async (path) => (await stat(path)).size));
    assert.deepEqual([journal.frameCount, journal.sampleCount], [50, 24_000]);
    assert.equal(
      journal.byteLength,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.equal(spool.byteLength, journal.byteLength);
  });

  it("goes on beyond 2^32", async () => {
    const from = 2 ** 32 - 20;
    appendFrames(journal, from, from + 40);
    await spool.close();
    [journal] = (await bench.open()).journals as [Journal];
    assert.deepEqual(await readAll(journal), expectedFrames(from, from + 40));
    assert.deepEqual([journal.oldestSeq, journal.nextSeq], [from, from + 40]);
    appendFrames(journal, from + 40, from + 50);
    journal.acknowledge(2 ** 32 + 5);
    assert.deepEqual(await readSeqs(journal), range(2 ** 32 + 5, from + 50));
  });

  it("takes seqs that leave some out, empty payloads and the largest one", async () => {
    const payloads = [payloadOf(1, 0), payloadOf(2, 1024 * 1024), payloadOf(3, 1)];
    for (const [index, payload] of payloads.entries()) {
      assert.equal(journal.append(index * 1_000, index, payload), "accepted");
    }
    const frames = payloads.map((payload, index) => ({ seq: index * 1_000, sampleCount: index, payload }));
    assert.deepEqual(await readAll(journal), frames);
    await journal.flush();
    assert.deepEqual(await readAll(journal), frames);
    assert.deepEqual([journal.frameCount, journal.sampleCount], [3, 3]);
  });

  it("refuses what does not follow or does not fit", () => {
    appendFrames(journal, 5, 6);
    const payload = new Uint8Array(1);
    for (const seq of [5, 0, -1, 6.5, Number.NaN, 2 ** 53]) {
      assert.throws(() => journal.append(seq, 1, payload), RangeError, `seq ${seq}`);
    }
    for (const sampleCount of [-1, 0.5, 2 ** 32, Number.NaN]) {
      assert.throws(() => journal.append(6, sampleCount, payload), RangeError, `sampleCount ${sampleCount}`);
    }
    assert.throws(() => journal.append(6, 1, new Uint8Array(1024 * 1024 + 1)), RangeError);
    assert.equal(journal.nextSeq, 6);
  });

  it("takes a copy", async () => {
    const payload = Uint8Array.of(1, 2, 3);
    journal.append(0, 1, payload);
    payload.fill(9);
    assert.deepEqual((await readAll(journal))[0]?.payload, Uint8Array.of(1, 2, 3));
  });

  it("gathers frames: one write for many, by itself", async () => {
    const written = bench.disk.next("write");
    appendFrames(journal, 0, 30, 100);
    assert.equal(journal.writtenSeq, 0);
    await written;
    assert.deepEqual(bench.disk.writes, [3_600]);
  });

  it("does not wait for its time when 64 KiB have come", async () => {
    journal = await (await bench.open({ folder: bench.copy() })).createJournal(facts);
    for (let seq = 0; seq < 1_000; seq++) {
      appendFrames(journal, seq, seq + 1, 1_000);
      if (seq % 10 === 9) await new Promise(setImmediate);
    }
    await journal.flush();
    const [first = 0] = bench.disk.writes;
    assert.ok(first > 60_000 && first < 100_000, `${first} bytes`);
    assert.ok(bench.disk.writes.length <= 50, `${bench.disk.writes.length} writes`);
  });

  it("syncs by itself, and says how far it is", async () => {
    await spool.close();
    spool = await bench.open({ syncIntervalMs: 1 });
    journal = await spool.createJournal(facts);
    const synced = bench.disk.next("sync");
    appendFrames(journal, 0, 10);
    assert.equal(journal.syncedSeq, 0);
    await synced;
    assert.equal(journal.writtenSeq, 10);
    await journal.flush();
    assert.equal(journal.syncedSeq, 10);
    assert.equal(bench.disk.syncs.length, 1);
  });
});

describe("Journal.flush", () => {
  it("syncs each file, and marks its end only then", async () => {
    const operations: string[] = [];
    bench.disk.before = (operation, path) => {
      operations.push(`${operation} ${Number.parseInt(basename(path), 10)}`);
    };
    appendFrames(journal, 0, 80, 100);
    await journal.flush();
    assert.deepEqual(operations, [
      ...["create 1", "write 1", "sync 1", "write 1"],
      ...["create 2", "write 2", "sync 2", "write 2"],
      ...["create 3", "write 3", "sync 3"],
    ]);
  });

  it("resolves when all that was appended is written and synced", async () => {
    appendFrames(journal, 0, 100);
    await journal.flush();
    assert.deepEqual([journal.writtenSeq, journal.syncedSeq], [100, 100]);
    await journal.flush();
  });

  it("covers what was appended before the call, however many are under way", async () => {
    const flushes: Promise<void>[] = [];
    for (let count = 1; count <= 20; count++) {
      appendFrames(journal, (count - 1) * 3, count * 3);
      flushes.push(journal.flush().then(() => assert.ok(journal.syncedSeq >= count * 3)));
    }
    await Promise.all(flushes);
    assert.deepEqual(await readAll(journal), expectedFrames(0, 60));
  });
});

describe("Journal.acknowledge", () => {
  it("lets whole files go, and counts what is left", async () => {
    appendFrames(journal, 0, 100, 100);
    await journal.flush();
    const before = await bench.filePaths();
    journal.acknowledge(50);
    assert.deepEqual([journal.oldestSeq, journal.frameCount, journal.sampleCount], [50, 50, 50 * frameSampleCount]);
    assert.deepEqual(await readSeqs(journal), range(50, 100));
    await journal.flush();
    const after = await bench.filePaths();
    assert.deepEqual(after, before.slice(-after.length));
    assert.ok(after.length < before.length);
    assert.equal(spool.byteLength, journal.byteLength);
  });

  it("never lets a frame go that was not acknowledged, at any position", async () => {
    appendFrames(journal, 0, 100, 100);
    await journal.flush();
    for (let seq = 0; seq <= 100; seq++) {
      journal.acknowledge(seq);
      await journal.flush();
      const copy = await bench.open({ folder: bench.copy() });
      const seqs = await readSeqs(copy.journals[0]!);
      const again = seqs.length - (100 - seq);
      assert.deepEqual(seqs, range(seq - again, 100));
      assert.ok(again >= 0 && again <= 33, `one file at most comes again, not ${again} frames`);
      await copy.close();
    }
    assert.deepEqual([journal.frameCount, journal.sampleCount], [0, 0]);
    assert.deepEqual([journal.oldestSeq, journal.nextSeq], [100, 100]);
  });

  it("remembers the position exactly when the spool is closed", async () => {
    appendFrames(journal, 0, 100, 100);
    journal.acknowledge(47);
    await spool.close();
    spool = await bench.open();
    [journal] = spool.journals as [Journal];
    assert.deepEqual(await readSeqs(journal), range(47, 100));
    journal.acknowledge(100);
    await spool.close();
    assert.deepEqual(await bench.filePaths(), []);
    [journal] = (await bench.open()).journals as [Journal];
    assert.deepEqual([journal.frameCount, journal.oldestSeq, journal.nextSeq], [0, 100, 100]);
    appendFrames(journal, 100, 110);
    assert.deepEqual(await readAll(journal), expectedFrames(100, 110));
  });

  it("moves nextSeq when the server has frames that this process never wrote [P-2.3]", async () => {
    appendFrames(journal, 0, 10);
    journal.acknowledge(15);
    assert.deepEqual([journal.nextSeq, journal.oldestSeq, journal.writtenSeq, journal.frameCount], [15, 15, 15, 0]);
    assert.throws(() => appendFrames(journal, 14, 15), RangeError);
    appendFrames(journal, 15, 20);
    await journal.flush();
    assert.deepEqual(await readAll(journal), expectedFrames(15, 20));
  });

  it("spares frames the disk when it comes before they are written", async () => {
    appendFrames(journal, 0, 10);
    journal.acknowledge(10);
    await journal.flush();
    assert.deepEqual(bench.disk.writes, []);
    assert.deepEqual([journal.writtenSeq, journal.syncedSeq, spool.byteLength], [10, 10, 0]);
  });

  it("ignores going back, and refuses what is no seq", () => {
    appendFrames(journal, 0, 10);
    journal.acknowledge(5);
    journal.acknowledge(3);
    assert.equal(journal.oldestSeq, 5);
    for (const seq of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => journal.acknowledge(seq), RangeError);
  });
});

describe("Journal.frames", () => {
  it("starts anywhere", async () => {
    appendFrames(journal, 10, 100);
    await journal.flush();
    appendFrames(journal, 100, 110);
    for (const from of [0, 10, 11, 55, 99, 100, 109]) {
      assert.deepEqual(await readSeqs(journal, from), range(Math.max(from, 10), 110), `from ${from}`);
    }
    assert.deepEqual(await readSeqs(journal, 110), []);
  });

  it("keeps up with appending, writing and acknowledging", async () => {
    let appended = 0;
    const append = (count: number) => {
      appendFrames(journal, appended, appended + count);
      appended += count;
    };
    append(100);
    const seqs: number[] = [];
    for await (const { seq, payload } of journal.frames()) {
      assert.deepEqual(new Uint8Array(payload), payloadOf(seq));
      seqs.push(seq);
      if (appended < 3_000) append(seq % 3);
      if (seq % 50 === 0) await journal.flush();
      if (seq % 70 === 0) journal.acknowledge(seq + 1);
    }
    assert.deepEqual(seqs, range(0, appended));
  });

  it("passes over what is acknowledged or dropped meanwhile", async () => {
    appendFrames(journal, 0, 200, 100);
    await journal.flush();
    const seqs: number[] = [];
    for await (const { seq } of journal.frames()) {
      seqs.push(seq);
      if (seq === 10) journal.acknowledge(80);
      if (seq === 90) {
        const [dropped] = await spool.dropOldest(6_000);
        assert.equal(dropped?.nextSeq, 132);
      }
    }
    assert.deepEqual(seqs, [...range(0, 11), ...range(80, 91), ...range(132, 200)]);
  });

  it("gives files back when the reader stops early", async () => {
    appendFrames(journal, 0, 20);
    await journal.flush();
    const countOpen = async () => (await readdir("/proc/self/fd").catch(() => [])).length;
    const before = await countOpen();
    for (let round = 0; round < 20; round++) {
      for await (const { seq } of journal.frames()) if (seq === 3) break;
    }
    assert.equal(await countOpen(), before);
  });

  it("tells of damage, once, and goes on in the next file", async () => {
    appendFrames(journal, 0, 200, 100);
    await spool.close();
    const [first = "", second = ""] = await bench.filePaths();
    const bytes = await readFile(first);
    bytes.writeUInt8(bytes.readUInt8(120 * 10 + 60) ^ 1, 120 * 10 + 60);
    await writeFile(first, bytes);
    await truncate(second, 120 * 5 + 1);
    [journal] = (await bench.open()).journals as [Journal];
    assert.deepEqual(await readSeqs(journal), [...range(0, 10), ...range(33, 38), ...range(66, 200)]);
    await readSeqs(journal);
    assert.deepEqual(
      bench.errors.map(({ message }) => message),
      [
        `the last 1 bytes of ${second} are no whole frames; they are passed over`,
        `${first} is damaged: frames 10 to 32 cannot be read`,
      ],
    );
  });

  it("ends when the journal is removed", async () => {
    appendFrames(journal, 0, 100, 100);
    await journal.flush();
    const seqs: number[] = [];
    for await (const { seq } of journal.frames()) {
      seqs.push(seq);
      if (seq === 40) await journal.remove();
    }
    assert.deepEqual(seqs, range(0, 41));
  });
});

describe("Journal.setSession", () => {
  it("is remembered at once, without a close", async () => {
    for (const session of [1n, 2n ** 64n - 1n]) {
      await journal.setSession(session);
      assert.equal(journal.session, session);
      const copy = await bench.open({ folder: bench.copy() });
      assert.equal(copy.journals[0]?.session, session);
      await copy.close();
    }
  });

  it("refuses what no server gives", async () => {
    for (const session of [0n, -1n, 2n ** 64n]) await assert.rejects(journal.setSession(session), RangeError);
    assert.equal(journal.session, undefined);
  });
});

describe("Journal.seal", () => {
  it("takes nothing more, now and after a restart, and keeps what is there", async () => {
    appendFrames(journal, 0, 10);
    await journal.seal();
    assert.equal(journal.append(10, 1, payloadOf(10)), "closed");
    await journal.waitForRoom();
    const [copied] = (await bench.open({ folder: bench.copy() })).journals as [Journal];
    assert.equal(copied.isSealed, true);
    assert.equal(copied.append(10, 1, payloadOf(10)), "closed");
    assert.deepEqual(await readAll(copied), expectedFrames(0, 10));
  });

  it("lets the last file go too when all is acknowledged", async () => {
    appendFrames(journal, 0, 10);
    await journal.seal();
    journal.acknowledge(10);
    await journal.flush();
    assert.deepEqual(await bench.filePaths(), []);
  });
});

describe("Journal.remove", () => {
  it("deletes everything and gives the room back, once", async () => {
    appendFrames(journal, 0, 100);
    await journal.flush();
    appendFrames(journal, 100, 110);
    await Promise.all([journal.remove(), journal.remove()]);
    await journal.remove();
    assert.deepEqual([spool.byteLength, spool.journals], [0, []]);
    assert.deepEqual((await readdir(bench.folder)).sort(), ["spool.lock", "spool.lock.txt"]);
    assert.equal(journal.append(110, 1, payloadOf(1)), "closed");
    assert.deepEqual(await readAll(journal), []);
    assert.deepEqual(bench.errors, []);
  });
});
