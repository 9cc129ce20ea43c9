import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { DiskGuard } from "./disk-guard.ts";

const GiB = 2 ** 30;

describe("DiskGuard", () => {
  let folder: string;
  let freeBytes: number;
  let lows: string[];
  let log: MemoryLog;
  let guard: DiskGuard;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-guard-"));
    freeBytes = 50 * GiB;
    lows = [];
    log = new MemoryLog();
    guard = new DiskGuard({
      dataFolder: folder,
      log,
      onLow: (state) => lows.push(state),
      readSpace: async () => {
        if (Number.isNaN(freeBytes)) throw new Error("no such disk");
        return { freeBytes, totalBytes: 100 * GiB };
      },
    });
  });

  afterEach(async () => {
    await guard.close();
    await rm(folder, { recursive: true });
  });

  const isReserveHeld = () => existsSync(join(folder, "reserve.bin"));

  it("tells at each check that finds the disk low, and only then [S-2.5]", async () => {
    await guard.check();
    assert.deepEqual([guard.state, guard.freeBytes, lows], ["ok", 50 * GiB, []]);
    freeBytes = GiB;
    await guard.check();
    await guard.check();
    assert.deepEqual([guard.state, guard.freeBytes, lows], ["soft", GiB, ["soft", "soft"]]);
  });

  it("releases the reserve at the hard mark and takes it again when there is room [S-2.5]", async () => {
    await guard.check();
    assert.ok(isReserveHeld());
    freeBytes = GiB;
    await guard.check();
    assert.ok(isReserveHeld());
    freeBytes = 1;
    await guard.check();
    assert.deepEqual([guard.state, isReserveHeld()], ["hard", false]);
    freeBytes = GiB;
    await guard.check();
    assert.deepEqual([guard.state, isReserveHeld()], ["soft", false]);
    freeBytes = 50 * GiB;
    await guard.check();
    assert.deepEqual([guard.state, isReserveHeld()], ["ok", true]);
  });

  it("keeps its state while the disk does not answer, and tells nobody", async () => {
    freeBytes = GiB;
    await guard.check();
    freeBytes = Number.NaN;
    await guard.check();
    assert.deepEqual([guard.state, lows], ["soft", ["soft"]]);
  });

  const warnings = () => log.at("warn").map(({ message }) => message.split(":")[0]);

  it("logs once that the disk does not answer, until it does", async () => {
    const warning = "the disk's free space cannot be read";
    freeBytes = Number.NaN;
    await guard.check();
    await guard.check();
    assert.deepEqual(log.lines, [{ level: "warn", fields: { error: "no such disk" }, message: warning }]);
    freeBytes = 50 * GiB;
    await guard.check();
    freeBytes = Number.NaN;
    await guard.check();
    assert.deepEqual(warnings(), [warning, warning]);
  });

  it("logs once that the reserve cannot be held, and holds it once it can", async () => {
    const folderInItsPlace = join(folder, "reserve.bin");
    await mkdir(folderInItsPlace);
    await guard.check();
    await guard.check();
    assert.deepEqual([guard.state, warnings()], ["ok", ["the disk's reserve cannot be held"]]);
    await rmdir(folderInItsPlace);
    await guard.check();
    assert.ok(isReserveHeld());
    assert.equal(warnings().length, 1);
  });

  it("tells that the disk is low even if the reserve cannot be released", async () => {
    await mkdir(join(folder, "reserve.bin"));
    freeBytes = 1;
    await guard.check();
    await guard.check();
    assert.deepEqual([guard.state, lows], ["hard", ["hard", "hard"]]);
    assert.deepEqual(warnings(), ["the disk's reserve cannot be released"]);
  });

  it("looks every 5 s from its start to its close", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      await guard.start();
      freeBytes = GiB;
      mock.timers.tick(4_999);
      await guard.close();
      assert.equal(guard.state, "ok");
      await guard.start();
      freeBytes = 1;
      mock.timers.tick(5_000);
      await guard.close();
      assert.equal(guard.state, "hard");
      freeBytes = 50 * GiB;
      mock.timers.tick(60_000);
      await guard.close();
      assert.equal(guard.state, "hard");
    } finally {
      mock.timers.reset();
    }
  });
});
