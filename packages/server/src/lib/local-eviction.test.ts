import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { systemClock } from "./kernel/clock.ts";
import { MemoryLog } from "./kernel/memory-log.test-support.ts";
import { LocalEviction, type LocalEvictionOptions } from "./local-eviction.ts";
import { Recordings } from "./upload/recordings.test-support.ts";

const evicted = "evicted: only in the object store now";

describe("LocalEviction", () => {
  let recordings: Recordings;
  let log: MemoryLog;

  beforeEach(async () => {
    recordings = await Recordings.open();
    log = new MemoryLog();
  });
  afterEach(() => recordings.remove());

  function createEviction(change: Partial<LocalEvictionOptions> = {}): LocalEviction {
    const { catalog, receivedFolder: receivedPath } = recordings;
    return new LocalEviction({ catalog, receivedPath, log, clock: systemClock, batchLimit: 2, ...change });
  }

  /** Records segments and notes their files as stored, but for those of one index. */
  async function addStored(count: number, notStoredIndex?: number): Promise<void> {
    for (let index = 0; index < count; index++) await recordings.add(index);
    const { uploads } = recordings.catalog;
    for (const { id, index } of uploads.claim(1000, Date.now())) {
      if (index === notStoredIndex) uploads.release([id]);
      else uploads.markStored(id, { key: "k", etag: "e", storedMs: 5 });
    }
  }

  /** Local files as `{index}.{kind}`. */
  async function localFiles(): Promise<readonly string[]> {
    const names = await readdir(recordings.receivedFolder, { recursive: true });
    return names.flatMap((name) => /(\d+\.(?:bin|wav|json))$/.exec(name)?.[1] ?? []).sort();
  }

  it("deletes .bin and .wav of what is stored, keeps sidecars and all that is not", async () => {
    await addStored(4, 1);
    await createEviction().evictAll();
    assert.deepEqual(await localFiles(), ["0.json", "1.bin", "1.json", "1.wav", "2.json", "3.json"]);
  });

  it("makes room by one batch at a time, oldest first", async () => {
    await addStored(3);
    const eviction = createEviction();
    await eviction.makeRoom();
    assert.deepEqual(await localFiles(), ["0.json", "1.json", "2.bin", "2.json", "2.wav"]);
    await eviction.makeRoom();
    assert.deepEqual(await localFiles(), ["0.json", "1.json", "2.json"]);
  });

  it("logs one line a run, none when nothing was to be done", async () => {
    await addStored(3);
    const eviction = createEviction();
    await Promise.all([eviction.evictAll(), eviction.evictAll(), eviction.makeRoom()]);
    await eviction.evictAll();
    assert.deepEqual(log.lines, [
      { level: "info", message: evicted, fields: { segments: 3, bytes: 3 * (8600 + 32_080) } },
    ]);
  });

  it("serves all who ask while a run is at work by one more run", async () => {
    await addStored(5);
    const eviction = createEviction();
    const first = eviction.makeRoom();
    await Promise.resolve();
    const [second, third] = [eviction.makeRoom(), eviction.makeRoom()];
    assert.notEqual(first, second);
    assert.equal(second, third);
    await second;
    assert.equal((await recordings.catalog.evictableSegments(9)).length, 1);
  });

  it("notes a segment whose files a run before deleted and then crashed", async () => {
    await addStored(1);
    const { catalog } = recordings;
    const dying = createEviction({
      catalog: {
        evictableSegments: (limit) => catalog.evictableSegments(limit),
        markEvicted: () => Promise.reject(new Error("killed")),
      },
    });
    await dying.makeRoom();
    assert.deepEqual(await localFiles(), ["0.json"]);
    assert.equal((await catalog.evictableSegments(9)).length, 1);
    await createEviction().makeRoom();
    assert.equal((await catalog.evictableSegments(9)).length, 0);
  });

  it("passes over a segment that cannot be deleted, and tries it again", async () => {
    await addStored(2);
    const path = recordings.pathOf(0, "wav");
    await rm(path);
    await mkdir(path);
    await writeFile(`${path}/in-the-way`, "");
    const eviction = createEviction();
    await eviction.evictAll();
    assert.deepEqual(
      log.at("warn").map(({ message }) => message),
      ["local files cannot be deleted"],
    );
    assert.deepEqual(
      (await localFiles()).filter((name) => name.endsWith(".bin")),
      ["0.bin"],
    );
    await rm(path, { recursive: true });
    await eviction.evictAll();
    assert.deepEqual(await localFiles(), ["0.json", "1.json"]);
  });

  it("stops after the batch at work when it is closed", async () => {
    await addStored(5);
    const { catalog } = recordings;
    const eviction: LocalEviction = createEviction({
      catalog: {
        evictableSegments: (limit) => catalog.evictableSegments(limit),
        markEvicted: (ids, evictedMs) => {
          void eviction.close();
          return catalog.markEvicted(ids, evictedMs);
        },
      },
    });
    await eviction.evictAll();
    await eviction.makeRoom();
    assert.equal((await catalog.evictableSegments(9)).length, 3);
  });
});
