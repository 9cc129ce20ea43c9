import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { silentLog } from "../kernel/log.ts";
import { DiskGuard } from "./disk-guard.ts";

const GiB = 2 ** 30;

describe("DiskGuard", () => {
  let folder: string;
  let freeBytes: number;
  let lows: string[];
  let guard: DiskGuard;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-guard-"));
    freeBytes = 50 * GiB;
    lows = [];
    guard = new DiskGuard({
      dataFolder: folder,
      log: silentLog,
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

  it("keeps its state while the disk does not answer", async () => {
    freeBytes = GiB;
    await guard.check();
    freeBytes = Number.NaN;
    await guard.check();
    assert.equal(guard.state, "soft");
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
