import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DiskReserve, type DiskSpace, diskState, marksForDisk, readDiskSpace } from "./disk-space-store.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const roomy: DiskSpace = { freeBytes: 50 * GiB, totalBytes: 100 * GiB };
const low: DiskSpace = { freeBytes: GiB, totalBytes: 100 * GiB };

describe("marksForDisk", () => {
  it("takes 2 GiB and 512 MiB on large disks [S-2.5]", () => {
    assert.deepEqual(marksForDisk(100 * GiB), { softBytes: 2 * GiB, hardBytes: 512 * MiB });
    assert.deepEqual(marksForDisk(20 * GiB), { softBytes: 2 * GiB, hardBytes: 512 * MiB });
  });

  it("takes a tenth, and a quarter of that, on small ones", () => {
    assert.deepEqual(marksForDisk(10 * GiB), { softBytes: GiB, hardBytes: 256 * MiB });
  });
});

describe("diskState", () => {
  it("changes below its marks, not at them", () => {
    const totalBytes = 100 * GiB;
    assert.equal(diskState({ totalBytes, freeBytes: 2 * GiB }), "ok");
    assert.equal(diskState({ totalBytes, freeBytes: 2 * GiB - 1 }), "soft");
    assert.equal(diskState({ totalBytes, freeBytes: 512 * MiB }), "soft");
    assert.equal(diskState({ totalBytes, freeBytes: 512 * MiB - 1 }), "hard");
  });
});

describe("readDiskSpace", () => {
  it("asks the system", async () => {
    const { freeBytes, totalBytes } = await readDiskSpace(tmpdir());
    assert.ok(freeBytes >= 0 && freeBytes <= totalBytes && totalBytes > 0);
  });
});

describe("DiskReserve", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-reserve-"));
    path = join(folder, "reserve.bin");
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("holds 64 MiB and gives them back [S-2.5]", async () => {
    const reserve = new DiskReserve(folder);
    await reserve.hold(roomy);
    assert.equal((await stat(path)).size, 64 * MiB);
    await reserve.release();
    await assert.rejects(stat(path), { code: "ENOENT" });
    await reserve.release();
  });

  it("takes nothing from a disk that is low", async () => {
    await new DiskReserve(folder).hold(low);
    await assert.rejects(stat(path), { code: "ENOENT" });
  });

  it("keeps what an earlier run has left", async () => {
    await new DiskReserve(folder).hold(roomy);
    const before = await stat(path, { bigint: true });
    await new DiskReserve(folder).hold(roomy);
    assert.equal((await stat(path, { bigint: true })).mtimeNs, before.mtimeNs);
  });

  it("writes anew what an earlier run has left in part", async () => {
    await writeFile(path, "a part");
    await new DiskReserve(folder).hold(roomy);
    assert.equal((await stat(path)).size, 64 * MiB);
  });
});
