import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { FrameLog, type FrameLogOptions, readFrameLogs, removeOldFrameLogs } from "./frame-log-store.ts";

let folder: string;
let errors: Error[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-log-"));
  errors = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function openLog(options: Partial<FrameLogOptions> = {}): Promise<FrameLog> {
  return FrameLog.open({ folder, runId: "run", onError: (error) => errors.push(error), ...options });
}

/** What the logs on disk say, in a shape that compares. */
async function readTrusts(runId = "run"): Promise<Record<number, unknown>> {
  const trusts = await readFrameLogs(folder, runId);
  return Object.fromEntries(
    [...trusts].map(([logNumber, trust]) => {
      const extents = trust.extents.map(({ offset, byteCount, crc }) => ({ offset, byteCount, crc }));
      return [logNumber, { syncedBytes: trust.syncedBytes, extents }];
    }),
  );
}

const frames = [Buffer.from("abc"), Buffer.from("defg")];
const extent = { offset: 0, byteCount: 7, crc: crc32("abcdefg") };

describe("FrameLog", () => {
  it("keeps what was written, with one CRC over its slices, and up to where it is synced [S-3.1]", async () => {
    const log = await openLog();
    const [a, b] = [log.openSegment(), log.openSegment()];
    log.recordWritten(a, 0, frames);
    log.recordWritten(b, 0, frames);
    log.recordSynced(b, 7);
    log.recordWritten(b, 7, frames);
    await log.commit();
    assert.deepEqual(await readTrusts(), {
      [a]: { syncedBytes: 0, extents: [extent] },
      [b]: { syncedBytes: 7, extents: [{ ...extent, offset: 7 }] },
    });
    await log.close();
  });

  it("has on disk what was recorded before the commit when that resolves, however many are under way", async () => {
    const log = await openLog();
    const number = log.openSegment();
    for (let count = 1; count <= 10; count++) {
      log.recordSynced(number, count * 100);
      void log.commit();
      log.recordSynced(number, count * 100 + 50);
      await log.commit();
      assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: count * 100 + 50, extents: [] } });
    }
    await log.close();
  });

  it("commits by itself", async () => {
    const log = await openLog();
    const changes = watch(folder);
    const number = log.openSegment();
    log.recordSynced(number, 5);
    for await (const _ of changes) {
      if (Object.keys(await readTrusts()).length > 0) break;
    }
    assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: 5, extents: [] } });
    await log.close();
  });

  it("goes on in a fresh file that knows the open segments and not the closed ones", async () => {
    const log = await openLog({ maxBytes: 100 });
    const [a, b] = [log.openSegment(), log.openSegment()];
    log.recordSynced(a, 10);
    log.recordWritten(a, 10, frames);
    log.recordSynced(b, 99);
    for (let count = 0; count < 10; count++) {
      log.recordWritten(b, count, frames);
      await log.commit();
    }
    log.closeSegment(b);
    for (let count = 0; count < 4; count++) {
      log.recordSynced(b, 1000);
      await log.commit();
    }
    log.recordSynced(a, 5);
    // Unlike `commit`, this leaves no timer behind: a rotation while the folder is read would show two files.
    await log.committed();
    const names = await readdir(folder);
    assert.equal(names.length, 1);
    assert.notEqual(names[0], "run.000000.log");
    assert.deepEqual((await readTrusts())[a], { syncedBytes: 10, extents: [{ ...extent, offset: 10 }] });
    assert.deepEqual(errors, []);
    await log.close();
  });

  it("tells once that it fails, and makes up for what was lost when it no longer does", async () => {
    const log = await openLog({ maxBytes: 0 });
    const number = log.openSegment();
    log.recordSynced(number, 10);
    await log.commit();
    await rm(folder, { recursive: true });
    for (const offset of [20, 30]) {
      log.recordSynced(number, offset);
      await log.commit();
    }
    assert.deepEqual(
      errors.map((error) => (error as NodeJS.ErrnoException).code),
      ["ENOENT"],
    );
    await mkdir(folder);
    await log.committed();
    assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: 30, extents: [] } });
    assert.equal(errors.length, 1);
    await log.close();
  });

  it("tells when what was recorded is committed, and not before it could be", async () => {
    const log = await openLog({ maxBytes: 0 });
    const number = log.openSegment();
    log.recordSynced(number, 10);
    await log.committed();
    assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: 10, extents: [] } });
    await rm(folder, { recursive: true });
    log.recordSynced(number, 20);
    const committed = log.committed().then(() => "committed");
    await log.commit();
    assert.equal(log.isFailing, true);
    assert.equal(await Promise.race([committed, Promise.resolve("pending")]), "pending");
    await mkdir(folder);
    assert.equal(await committed, "committed");
    assert.equal(log.isFailing, false);
    assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: 20, extents: [] } });
    await log.close();
  });

  it("leaves no log when all its segments are closed", async () => {
    const log = await openLog();
    const number = log.openSegment();
    log.recordSynced(number, 5);
    await log.commit();
    log.closeSegment(number);
    await Promise.all([log.close(), log.close()]);
    assert.deepEqual(await readdir(folder), []);
  });

  it("commits at its close and keeps the log for segments that are open", async () => {
    const log = await openLog();
    const number = log.openSegment();
    log.recordSynced(number, 5);
    await log.close();
    log.recordSynced(number, 6);
    await log.commit();
    assert.deepEqual(await readTrusts(), { [number]: { syncedBytes: 5, extents: [] } });
  });
});

describe("readFrameLogs", () => {
  it("reads one run's logs only", async () => {
    const log = await openLog({ runId: "run2" });
    log.recordSynced(log.openSegment(), 5);
    await log.close();
    assert.deepEqual(await readTrusts("run"), {});
    assert.deepEqual(await readTrusts("run2"), { 1: { syncedBytes: 5, extents: [] } });
  });

  it("takes nothing from damaged logs and none from missing ones", async () => {
    await writeFile(join(folder, "run.000000.log"), Buffer.alloc(100, 0xa5));
    assert.deepEqual(await readTrusts(), {});
    await rm(folder, { recursive: true });
    assert.deepEqual(await readTrusts(), {});
  });
});

describe("removeOldFrameLogs", () => {
  it("keeps the logs of the runs it is told", async () => {
    for (const name of ["run.000003.log", "run2.000000.log", "old.000000.log", "notes.txt"]) {
      await writeFile(join(folder, name), "");
    }
    await removeOldFrameLogs(folder, (runId) => runId === "run");
    assert.deepEqual((await readdir(folder)).sort(), ["notes.txt", "run.000003.log"]);
  });
});
