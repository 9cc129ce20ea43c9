import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createLogger, reindexFolder, verifyFolder } from "@eet/server";
import { S3Stub } from "./support/s3-stub.ts";
import { type LogLine, ServerProcess } from "./support/server-process.ts";
import { allStored, listLocalKeys, readHealth, sendStream } from "./support/stored-recordings.ts";
import type { SkipReason } from "./support/tools.ts";

describe("eet serve with local files that may go", () => {
  let stub: S3Stub;
  let folder: string;
  let dataFolder: string;
  let server: ServerProcess | undefined;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await mkdtemp(join(tmpdir(), "eet-eviction-"));
    dataFolder = join(folder, "data");
  });
  afterEach(async () => {
    await server?.kill();
    await stub.stop();
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
  });

  async function startServer(settings: Record<string, string> = {}): Promise<ServerProcess> {
    const environment = {
      ...stub.environment,
      ...settings,
    };
    server = await ServerProcess.start({ folder, flags: ["--rotate-s", "1"], environment });
    return server;
  }

  async function record(url: string): Promise<void> {
    await sendStream(url, { hwid: "mic", streamId: 1, seconds: 4 });
    await sendStream(url, { streamId: 2, seconds: 2 });
  }

  /** Resolves when so many segments of a run are evicted. */
  async function evicted(running: ServerProcess, segmentCount: number): Promise<void> {
    const seen = new Set<LogLine>();
    for (let count = 0; count < segmentCount; ) {
      const line = await running.line((line) => line.msg.startsWith("evicted:") && !seen.has(line));
      seen.add(line);
      count += Number(line["segments"]);
    }
  }

  async function countLocal(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = { ".bin": 0, ".wav": 0, ".json": 0 };
    for (const key of await listLocalKeys(folder)) {
      const ending = key.slice(key.lastIndexOf("."));
      counts[ending] = (counts[ending] ?? 0) + 1;
    }
    return counts;
  }

  it("deletes after the upload where asked to, over restarts and the loss of the catalogue", async () => {
    const settings = { S3_DELETEAFTERUPLOAD: "true" };
    const first = await startServer(settings);
    await record(first.url);
    await evicted(first, 6);
    assert.equal(await first.stop(), 0);
    assert.deepEqual(await countLocal(), { ".bin": 0, ".wav": 0, ".json": 6 });
    for await (const verdict of verifyFolder(dataFolder)) {
      assert.deepEqual([verdict.isEvicted, verdict.problems], [true, []]);
    }

    const log = createLogger({ level: "silent", isPretty: false });
    await reindexFolder(dataFolder, log, () => {});
    const second = await startServer(settings);
    await second.recovered();
    assert.equal((await readHealth(second)).uploads.stored, 18);
    assert.equal(await second.stop(), 0);

    await rm(join(dataFolder, "catalog.db"));
    await reindexFolder(dataFolder, log, () => {});
    const third = await startServer(settings);
    await evicted(third, 6);
    assert.equal((await readHealth(third)).uploads.stored, 18);
    assert.equal(await third.stop(), 0);
    assert.equal(stub.objects.size, 18);
    assert.deepEqual([...new Set(stub.putCounts.values())], [1]);
  });

  it("deletes what was stored before it was asked to", async () => {
    const keeping = await startServer();
    await record(keeping.url);
    await allStored(keeping);
    assert.equal(await keeping.stop(), 0);
    assert.deepEqual(await countLocal(), { ".bin": 6, ".wav": 6, ".json": 6 });
    const deleting = await startServer({ S3_DELETEAFTERUPLOAD: "true" });
    await evicted(deleting, 6);
    assert.deepEqual(await countLocal(), { ".bin": 0, ".wav": 0, ".json": 6 });
  });

  it("never deletes a .bin that is not uploaded", async () => {
    const running = await startServer({ S3_DELETEAFTERUPLOAD: "true", S3_UPLOADBIN: "false" });
    await record(running.url);
    await allStored(running);
    assert.equal(await running.stop(), 0);
    assert.deepEqual(await countLocal(), { ".bin": 6, ".wav": 6, ".json": 6 });
    assert.equal(stub.objects.size, 12);
  });

  it("makes room on a disk that is low, of what is stored alone", { skip: skipWithoutMount() }, async () => {
    await mkdir(dataFolder);
    assert.equal(mount(dataFolder).status, 0);
    try {
      const running = await startServer();
      await record(running.url);
      await allStored(running);
      stub.setDown(true);
      await sendStream(running.url, { hwid: "late", streamId: 3, seconds: 2 });
      await fillDisk(dataFolder);
      await evicted(running, 6);
      assert.equal((await readHealth(running)).status, "degraded");
      assert.equal(await running.stop(), 0);
      assert.deepEqual(await countLocal(), { ".bin": 2, ".wav": 2, ".json": 8 });
    } finally {
      await server?.kill();
      spawnSync("umount", [dataFolder]);
    }
  });
});

/** A disk in memory, so small that it is soon low. */
function mount(path: string) {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=512m", "tmpfs", path]);
}

function skipWithoutMount(): SkipReason {
  const path = tmpdir();
  const probe = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", path]);
  return probe.status === 0 ? false : "needs the right to mount a disk in memory";
}

/** Leaves room between the soft and the hard mark: a tenth and a fortieth of the disk. */
async function fillDisk(path: string): Promise<void> {
  const { bsize, bavail, blocks } = await statfs(path);
  const freeBytes = Math.floor((bsize * blocks) / 16);
  await writeFile(join(path, "ballast"), Buffer.alloc(bsize * bavail - freeBytes));
}
