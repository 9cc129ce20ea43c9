import assert from "node:assert/strict";
import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { silentLog } from "../kernel/log.ts";
import { Recordings } from "../upload/recordings.test-support.ts";
import { OverviewEviction } from "./overview-eviction.ts";

describe("OverviewEviction", () => {
  let recordings: Recordings;
  let overviewPath: string;
  let freed: number[];
  let eviction: OverviewEviction;

  beforeEach(async () => {
    recordings = await Recordings.open();
    overviewPath = join(dirname(recordings.receivedFolder), "overview");
    freed = [];
    const { catalog } = recordings;
    const onFreed = (bytes: number) => void freed.push(bytes);
    eviction = new OverviewEviction({ catalog, overviewPath, onFreed, log: silentLog, batchLimit: 2 });
  });
  afterEach(async () => {
    await eviction.close();
    await recordings.remove();
  });

  function pathOf(index: number): string {
    return recordings.pathOf(index, "overview").replace(recordings.receivedFolder, overviewPath);
  }

  /** Segments with overviews of 100 bytes; those of the first ones are evicted. */
  async function record(count: number, evictedCount: number): Promise<void> {
    await mkdir(dirname(pathOf(0)), { recursive: true });
    for (let index = 0; index < count; index += 1) {
      await recordings.add(index);
      await writeFile(pathOf(index), Buffer.alloc(100));
    }
    const ids = Array.from({ length: evictedCount }, (_, index) => index + 1);
    await recordings.catalog.markEvicted(ids, 5);
  }

  /** Places of the segments that have an overview. */
  async function left(): Promise<readonly string[]> {
    const names = await readdir(overviewPath, { recursive: true });
    return names.flatMap((name) => /(\d+)\.overview$/.exec(name)?.[1] ?? []).sort();
  }

  it("leaves overviews alone that lie behind a link", async () => {
    await record(2, 2);
    const folder = dirname(pathOf(0));
    const outside = join(dirname(overviewPath), "outside");
    await rename(folder, outside);
    await symlink(outside, folder);
    await eviction.makeRoom();
    assert.equal((await readdir(outside)).length, 2);
    assert.deepEqual(freed, [0]);
  });

  it("deletes a batch of those of evicted segments, oldest first, and never those of others", async () => {
    await record(5, 3);
    await eviction.makeRoom();
    assert.deepEqual(await left(), ["2", "3", "4"]);
    await eviction.makeRoom();
    await eviction.makeRoom();
    assert.deepEqual(await left(), ["3", "4"]);
    assert.deepEqual(freed, [200, 100, 0]);
  });

  it("deletes one again that was made again, and that of a segment that was evicted again", async () => {
    await record(2, 2);
    await eviction.makeRoom();
    await writeFile(pathOf(0), Buffer.alloc(30));
    await eviction.makeRoom();
    assert.deepEqual(await left(), ["0"], "nobody told of it");
    await recordings.catalog.markOverviews([1], true);
    await eviction.makeRoom();
    assert.deepEqual(await left(), []);
    await recordings.add(1);
    await writeFile(pathOf(1), Buffer.alloc(7));
    await recordings.catalog.markEvicted([2], 6);
    await eviction.makeRoom();
    assert.deepEqual(freed, [200, 0, 30, 7]);
  });
});
