import assert from "node:assert/strict";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { DeviceFleet } from "./support/device-fleet.ts";
import { MemoryDisk, skipWithoutMount } from "./support/mounted-disk.ts";
import { OpenServer } from "./support/open-server.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

interface Answer {
  readonly httpStatus: number;
  readonly status: string;
  readonly reasons: readonly string[];
  readonly checks: Readonly<Record<string, string>>;
}

async function askReady(port: number, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { headers });
  assert.equal(response.headers.get("cache-control"), "no-store");
  return { ...((await response.json()) as Omit<Answer, "httpStatus">), httpStatus: response.status };
}

const ready = {
  httpStatus: 200,
  status: "ready",
  reasons: [],
  checks: { recovery: "done", disk: "ok", catalog: "ok" },
};

describe("GET /readyz", () => {
  it("answers 503 while what a killed server left is being finished, /healthz 200, then both 200 [S-3.3]", async () => {
    await using folder = await makeTemporaryFolder();
    {
      await using killed = await ServerProcess.start({ folder: folder.path });
      await using fleet = await DeviceFleet.open(killed.url, "mic", 40);
      await fleet.ticked(150);
      await killed.kill();
    }
    await using server = await OpenServer.open(folder.path, { "finish-workers": "1" });
    const during = await askReady(server.port);
    assert.deepEqual(during, {
      httpStatus: 503,
      status: "not-ready",
      reasons: ["what an earlier run left is still being finished"],
      checks: { ...ready.checks, recovery: "running" },
    });
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status, 200);
    await server.line("recovery done");
    assert.deepEqual(await askReady(server.port), ready);
  });

  it("answers 503 while the disk is below its hard mark, and tells how far to who may read [S-2.5]", {
    skip: skipWithoutMount(),
  }, async () => {
    await using folder = await makeTemporaryFolder();
    await using disk = await MemoryDisk.create(join(folder.path, "data"), 256);
    const book = openTokenBook(disk.path, { clock: systemClock, log: silentLog });
    const { secret } = book.create({ kind: "api", name: "ann", role: "viewer" });
    book.close();
    const ballast = join(disk.path, "ballast");
    const { bsize, bavail } = await statfs(disk.path);
    await writeFile(ballast, Buffer.alloc(bsize * bavail - 5 * 2 ** 20));
    await using server = await OpenServer.open(folder.path, {});
    await server.line("recovery done");
    const { reasons: plain } = await askReady(server.port);
    assert.deepEqual(plain, ["the data folder's disk is full: no stream is taken"]);
    const { reasons, ...low } = await askReady(server.port, { authorization: `Bearer ${secret}` });
    assert.deepEqual(low, { httpStatus: 503, status: "not-ready", checks: { ...ready.checks, disk: "hard" } });
    assert.match(reasons.join(), /^the data folder's disk has \d MiB free, which is below its hard mark/);
    await rm(ballast);
    await server.line("disk has room again");
    assert.deepEqual(await askReady(server.port), ready);
  });
});
