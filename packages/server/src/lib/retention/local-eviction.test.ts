import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Clock, type MonotonicMs, systemClock } from "../kernel/clock.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { Recordings } from "../upload/recordings.test-support.ts";
import { LocalEviction, type LocalEvictionOptions } from "./local-eviction.ts";

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
      else uploads.markStored([{ id, key: "k", etag: "e", storedMs: 5 }]);
    }
  }

  /** Local files as `{index}.{kind}`. */
  async function localFiles(): Promise<readonly string[]> {
    const names = await readdir(recordings.receivedFolder, { recursive: true });
    return names.flatMap((name) => /(\d+\.(?:bin|wav|json))$/.exec(name)?.[1] ?? []).sort();
  }

  /** Puts something in the place of a segment's WAV that cannot be deleted. */
  async function obstruct(index: number): Promise<string> {
    const path = recordings.pathOf(index, "wav");
    await rm(path);
    await mkdir(path);
    await writeFile(`${path}/in-the-way`, "");
    return path;
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
    assert.equal((await recordings.catalog.evictableSegments({ limit: 9 })).length, 1);
  });

  it("notes a segment whose files a run before deleted and then crashed", async () => {
    await addStored(1);
    const { catalog } = recordings;
    const dying = createEviction({
      catalog: {
        evictableSegments: (filter) => catalog.evictableSegments(filter),
        markEvicted: () => Promise.reject(new Error("killed")),
      },
    });
    await dying.makeRoom();
    assert.deepEqual(await localFiles(), ["0.json"]);
    assert.equal((await catalog.evictableSegments({ limit: 9 })).length, 1);
    await createEviction().makeRoom();
    assert.equal((await catalog.evictableSegments({ limit: 9 })).length, 0);
  });

  it("passes over a segment that cannot be deleted, and tries it again", async () => {
    await addStored(2);
    const path = await obstruct(0);
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

  it("pages past segments that cannot be deleted, and leaves them alone for a minute then", async () => {
    await addStored(7);
    for (const index of [0, 1, 2, 3]) await obstruct(index);
    let nowMs = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => nowMs as MonotonicMs };
    const eviction = createEviction({ clock });
    await eviction.makeRoom();
    const binaries = async () => (await localFiles()).filter((name) => name.endsWith(".bin"));
    assert.deepEqual(await binaries(), ["0.bin", "1.bin", "2.bin", "3.bin", "6.bin"]);
    const failures = log.at("warn").length;
    for (const index of [0, 1, 2, 3]) await rm(recordings.pathOf(index, "wav"), { recursive: true });
    await eviction.makeRoom();
    assert.deepEqual(await binaries(), ["0.bin", "1.bin", "2.bin", "3.bin"]);
    assert.equal(log.at("warn").length, failures);
    nowMs += 60_000;
    await eviction.evictAll();
    assert.deepEqual(await binaries(), []);
  });

  it("leaves what a command still waits for, unless a low disk has nothing else to give", async () => {
    const { catalog } = recordings;
    catalog.deliveries.setTargets([{ target: "run-on-segment", types: ["segment.closed"] }]);
    await addStored(3);
    const eviction = createEviction({ clock: recordings.clock });
    await eviction.evictAll();
    assert.equal((await localFiles()).length, 9, "all wait");
    const [delivery] = catalog.deliveries.claim("run-on-segment", 1, Date.now());
    assert.ok(delivery !== undefined);
    catalog.deliveries.markDelivered([delivery.deliveryId]);
    recordings.clock.aheadMs += 60_000;
    await eviction.evictAll();
    assert.deepEqual(await localFiles(), ["0.json", "1.bin", "1.json", "1.wav", "2.bin", "2.json", "2.wav"]);
    await eviction.makeRoom();
    assert.deepEqual(await localFiles(), ["0.json", "1.json", "2.json"]);
  });

  it("tries again after a minute, however often it is asked and finds more meanwhile", async () => {
    const { catalog, clock } = recordings;
    catalog.deliveries.setTargets([{ target: "run-on-segment", types: ["segment.closed"] }]);
    await addStored(2);
    const eviction = createEviction({ clock });
    await eviction.evictAll();
    for (const { deliveryId } of catalog.deliveries.claim("run-on-segment", 1, Date.now()))
      catalog.deliveries.markDelivered([deliveryId]);
    for (let index = 2; index < 6; index += 1) {
      await recordings.add(index);
      for (const { id } of catalog.uploads.claim(1000, Date.now()))
        catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: 5 }]);
      clock.aheadMs += 15_000;
      await eviction.evictAll();
    }
    assert.deepEqual(
      (await localFiles()).filter((name) => name.endsWith(".bin")),
      ["1.bin", "2.bin", "3.bin", "4.bin", "5.bin"],
    );
  });

  it("waits for a command for a day", async () => {
    const { catalog } = recordings;
    catalog.deliveries.setTargets([{ target: "run-on-segment", types: ["segment.closed"] }]);
    await addStored(1);
    await createEviction().evictAll();
    assert.equal((await localFiles()).length, 3);
    recordings.clock.aheadMs += 86_400_001;
    await createEviction().evictAll();
    assert.deepEqual(await localFiles(), ["0.json"]);
  });

  it("stops after the batch at work when it is closed", async () => {
    await addStored(5);
    const { catalog } = recordings;
    const eviction: LocalEviction = createEviction({
      catalog: {
        evictableSegments: (filter) => catalog.evictableSegments(filter),
        markEvicted: (ids, evictedMs) => {
          void eviction.close();
          return catalog.markEvicted(ids, evictedMs);
        },
      },
    });
    await eviction.evictAll();
    await eviction.makeRoom();
    assert.equal((await catalog.evictableSegments({ limit: 9 })).length, 3);
  });
});
