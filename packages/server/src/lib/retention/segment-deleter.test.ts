import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { PendingDeletion } from "../catalog/annotations.ts";
import { systemClock } from "../kernel/clock.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { removeFile, syncFolder } from "../storage/durable-file-store.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { type ObjectRemover, SegmentDeleter, type SegmentDeleterOptions } from "./segment-deleter.ts";

const keyOf: ObjectRemover["keyOf"] = ({ hwid, name }, kind) => `received/${hwid}/${name}.${kind}`;

/** The process is gone: what waits for it waits for ever. */
const never = new Promise<never>(() => {});

describe("SegmentDeleter", () => {
  let folder: string;
  let receivedPath: string;
  let overviewPath: string;
  let log: MemoryLog;
  /** What the catalogue holds. */
  let pending: PendingDeletion[];
  /** What the object store holds. */
  let objects: Set<string>;
  const deleters: SegmentDeleter[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-deleter-"));
    receivedPath = join(folder, "received");
    overviewPath = join(folder, "overview");
    log = new MemoryLog();
    pending = [];
    objects = new Set();
  });
  afterEach(async () => {
    await Promise.all(deleters.splice(0).map((deleter) => deleter.close()));
    await rm(folder, { recursive: true });
  });

  async function add(id: number, { isStored = true, hasOverview = true } = {}): Promise<void> {
    const name = `stream_1_mic_${id}`;
    const keys = isStored ? ["bin", "wav"].map((kind) => `received/mic/${name}.${kind}`) : [];
    const unverifiedKinds = isStored ? (["json"] as const) : [];
    await mkdir(join(receivedPath, "mic"), { recursive: true });
    for (const kind of ["bin", "wav", "json"]) await writeFile(join(receivedPath, "mic", `${name}.${kind}`), kind);
    if (hasOverview) {
      await mkdir(join(overviewPath, "mic"), { recursive: true });
      await writeFile(join(overviewPath, "mic", `${name}.overview`), "peaks");
    }
    const deletion = { id, name, folder: "mic", hwid: "mic", keys, unverifiedKinds };
    for (const key of [...keys, ...unverifiedKinds.map((kind) => keyOf(deletion, kind))]) objects.add(key);
    pending.push(deletion);
  }

  const annotations: SegmentDeleterOptions["annotations"] = {
    pendingDeletions: async (limit) => pending.slice(0, limit),
    markDeleted: async (ids) => {
      pending = pending.filter(({ id }) => !ids.includes(id));
    },
  };

  function createDeleter(change: Partial<SegmentDeleterOptions>): SegmentDeleter {
    const store = {
      keyOf,
      delete: async (key: string) => {
        objects.delete(key);
      },
    };
    const places = { receivedPath, overviewPath, annotations, objects: store };
    return new SegmentDeleter({ ...places, log, clock: systemClock, random: () => 0, ...change });
  }

  function openDeleter(change: Partial<SegmentDeleterOptions> = {}): SegmentDeleter {
    const deleter = createDeleter(change);
    deleters.push(deleter);
    return deleter;
  }

  async function files(): Promise<readonly string[]> {
    const names = await readdir(folder, { recursive: true });
    return names.filter((name) => /\.(bin|wav|json|overview)$/.test(name)).sort();
  }

  async function runToEnd(change: Partial<SegmentDeleterOptions> = {}): Promise<void> {
    const deleter = openDeleter(change);
    deleter.notify();
    await deleter.settled();
  }

  it("removes files, overview and objects, then notes it", async () => {
    await add(1);
    await add(2, { isStored: false, hasOverview: false });
    const kept = await files();
    await add(3);
    pending.splice(0, 2);
    await runToEnd();
    assert.deepEqual([await files(), pending], [kept, []]);
    assert.deepEqual(
      [...objects],
      ["bin", "wav", "json"].map((kind) => `received/mic/stream_1_mic_1.${kind}`),
    );
  });

  it("takes more than one batch, and what is asked for while it is at work", async () => {
    for (let id = 1; id <= 250; id += 1) await add(id, { hasOverview: false });
    const deleter = openDeleter();
    deleter.notify();
    deleter.notify();
    await deleter.settled();
    assert.deepEqual([await files(), pending, [...objects]], [[], [], []]);
  });

  it("leaves after a stop between any two steps nothing that a scan takes for a segment, and goes on at the next start", async () => {
    // Removals of files and objects, syncs, the note: as many as a whole run has.
    let isThrough = false;
    let stepCount = 0;
    for (let stopAt = 0; !isThrough; stopAt += 1) {
      await add(stopAt * 2);
      await add(stopAt * 2 + 1);
      let step = 0;
      const stopped = Promise.withResolvers<void>();
      const stepOr = async (work: () => Promise<void>) => {
        if (step === stopAt) {
          stopped.resolve();
          await never;
        }
        step += 1;
        await work();
      };
      const dying = createDeleter({
        annotations: { ...annotations, markDeleted: (ids) => stepOr(() => annotations.markDeleted(ids)) },
        objects: { keyOf, delete: (key) => stepOr(async () => void objects.delete(key)) },
        files: {
          removeFile: (path) => stepOr(() => removeFile(path)),
          syncFolder: (path) => stepOr(() => syncFolder(path)),
        },
      });
      dying.notify();
      isThrough = await Promise.race([stopped.promise.then(() => false), dying.close().then(() => true)]);
      stepCount = step;
      for await (const { names } of scanFolders(receivedPath)) {
        const stems = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
        for (const stem of stems) assert.ok(names.includes(`${stem}.bin`), `${stem} after ${stopAt} steps`);
      }
      await runToEnd();
      assert.deepEqual([await files(), pending, [...objects]], [[], [], []], `stopped after ${stopAt} steps`);
    }
    assert.ok(stepCount > 15, String(stepCount));
  });

  it("tries again what a store refuses, and lets the others go meanwhile", async () => {
    await add(1);
    await add(2);
    let refusals = 0;
    const again = Promise.withResolvers<void>();
    const store = {
      keyOf,
      delete: async (key: string) => {
        if (key.includes("mic_1.bin") && refusals++ === 0) throw new Error("503");
        objects.delete(key);
      },
    };
    const noted: number[] = [];
    const markDeleted = async (ids: readonly number[]) => {
      noted.push(...ids);
      await annotations.markDeleted(ids);
      if (pending.length === 0) again.resolve();
    };
    openDeleter({ objects: store, annotations: { ...annotations, markDeleted } }).notify();
    await again.promise;
    assert.deepEqual(noted, [2, 1]);
    assert.deepEqual(
      log.at("warn").map(({ message, fields }) => [message, fields["error"]]),
      [["not deleted yet: tried again", "503"]],
    );
  });

  it("does not ask a store that is down for each object", async () => {
    for (let id = 1; id <= 100; id += 1) await add(id);
    let asked = 0;
    const down = async () => {
      asked += 1;
      throw new Error("unreachable");
    };
    await runToEnd({ objects: { keyOf, delete: down } });
    assert.ok(asked < 20, String(asked));
    assert.deepEqual([await files(), pending.length, objects.size], [[], 100, 300]);
  });

  it("keeps the note of objects while uploads are off, says so, and removes all else", async () => {
    await add(1);
    await add(2, { isStored: false });
    await runToEnd({ objects: undefined });
    assert.deepEqual([await files(), pending.map(({ id }) => id)], [[], [1]]);
    assert.equal(log.at("warn").length, 1);
    await runToEnd();
    assert.deepEqual([pending, [...objects]], [[], []]);
  });

  it("keeps a segment's note whose file cannot be removed, objects and all", async () => {
    await add(1);
    const path = join(receivedPath, "mic/stream_1_mic_1.bin");
    await rm(path);
    await mkdir(path);
    await writeFile(join(path, "in-the-way"), "");
    await runToEnd();
    assert.deepEqual([pending.length, objects.size], [1, 3]);
    await rm(path, { recursive: true });
    await runToEnd();
    assert.deepEqual([await files(), pending, [...objects]], [[], [], []]);
  });
});
