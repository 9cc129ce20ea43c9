import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import { type CatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { EvictionStore } from "./eviction-store.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import { SegmentStore } from "./segment-store.ts";
import type { UploadTask } from "./upload-queue.ts";
import { UploadStore } from "./upload-store.ts";

const nowMs = 1_800_000_000_000;

describe("EvictionStore", () => {
  let folder: string;
  let file: CatalogFile;
  let segments: SegmentStore;
  let queue: UploadStore;
  let evictions: EvictionStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-evictions-"));
    file = await openCatalogFile(join(folder, "catalog.db"));
    segments = new SegmentStore(file.sqlite);
    queue = new UploadStore(file, () => nowMs);
    evictions = new EvictionStore(file.sqlite, () => nowMs);
  });

  afterEach(async () => {
    file.sqlite.close();
    await rm(folder, { recursive: true });
  });

  function add(draft: SegmentDraft, kinds: readonly SegmentFileKind[] = segmentFileKinds): void {
    segments.addSegment(finishedSegment(draft), { kinds, isBackfill: false, queuedMs: nowMs });
  }

  /** Stores what is queued, but for the files that `isLeft`. */
  function store(isLeft: (task: UploadTask) => boolean = () => false): void {
    for (const task of queue.claim(1000, nowMs)) {
      if (isLeft(task)) queue.release([task.id]);
      else queue.markStored([{ id: task.id, key: task.fileName, etag: "e", storedMs: nowMs }]);
    }
  }

  function evictableNames(): readonly string[] {
    return evictions.evictable({ limit: 9 }).map(({ name }) => name.slice(name.lastIndexOf("_") + 1));
  }

  it("gives segments whose every file is stored, oldest first, with all it takes to delete them", () => {
    add({ index: 2 });
    add({ index: 0 });
    add({ index: 1, hwid: null });
    assert.deepEqual(evictableNames(), []);
    store();
    assert.deepEqual(evictableNames(), ["s1-0", "s1-1", "s1-2"]);
    assert.deepEqual(evictions.evictable({ limit: 1 }), [
      {
        ...{ id: 2, name: "stream_7_mic-1_20260101_s1-0", folder: "mic-1", bytes: 86_000 + 320_800 },
        ...{ keptFromMs: sessionStartMs, isAwaited: false },
      },
    ]);
    const [first] = evictions.evictable({ limit: 1 });
    assert.ok(first !== undefined);
    assert.deepEqual(
      evictions.evictable({ limit: 1, after: first }).map(({ id }) => id),
      [3],
    );
  });

  it("leaves out a segment of which any queued file is not stored yet", () => {
    for (const index of [0, 1, 2, 3]) add({ index });
    store(({ index, kind }) => kind === segmentFileKinds[index]);
    assert.deepEqual(evictableNames(), ["s1-3"]);
    store();
    assert.deepEqual(evictableNames(), ["s1-0", "s1-1", "s1-2", "s1-3"]);
  });

  it("leaves out a segment whose .bin or sidecar was never queued; a WAV is derived from the .bin", () => {
    add({ index: 0 }, ["wav", "json"]);
    add({ index: 1 }, ["bin", "wav"]);
    add({ index: 2 }, ["bin", "json"]);
    store();
    assert.deepEqual(evictableNames(), ["s1-2"]);
  });

  it("leaves out a segment whose file changed after it was stored", () => {
    add({ index: 0 });
    add({ index: 1 });
    store();
    add({ index: 0, content: "derived again" });
    assert.deepEqual(evictableNames(), ["s1-1"]);
    store();
    assert.deepEqual(evictableNames(), ["s1-0", "s1-1"]);
  });

  it("leaves out a stored segment of which another kind is queued", async () => {
    add({}, ["bin", "json"]);
    store();
    await queue.enqueueMissing(["wav"]);
    assert.deepEqual(evictableNames(), []);
    store();
    assert.deepEqual(evictableNames(), ["s1-0"]);
  });

  it("gives a segment whose only file that was not stored is gone", () => {
    add({});
    store(({ kind }) => kind === "wav");
    add({ hasWav: false });
    store();
    assert.deepEqual(evictableNames(), ["s1-0"]);
  });

  it("gives an evicted segment no more, unless it is added again", () => {
    add({});
    store();
    evictions.mark([1], nowMs);
    assert.deepEqual(evictableNames(), []);
    add({});
    assert.deepEqual(evictableNames(), ["s1-0"]);
  });

  it("keeps files that are evicted from being queued", async () => {
    add({}, ["bin"]);
    evictions.mark([1], nowMs);
    assert.equal(await queue.enqueueMissing(segmentFileKinds), 1);
    assert.deepEqual(
      queue.claim(9, nowMs).map(({ kind }) => kind),
      ["bin", "json"],
    );
  });
});
