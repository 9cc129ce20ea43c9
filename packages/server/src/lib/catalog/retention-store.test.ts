import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { type CatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { EvictionStore } from "./eviction-store.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import type { LocalFilter } from "./retention-queue.ts";
import { RetentionStore } from "./retention-store.ts";
import { SegmentStore } from "./segment-store.ts";
import { UploadStore } from "./upload-store.ts";

const nowMs = 1_800_000_000_000;
/** `.bin` and `.wav` of a segment made here. */
const bytes = 86_000 + 320_800;

describe("RetentionStore", () => {
  let folder: string;
  let file: CatalogFile;
  let segments: SegmentStore;
  let retention: RetentionStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-retention-"));
    file = await openCatalogFile(join(folder, "catalog.db"));
    segments = new SegmentStore(file.sqlite);
    retention = new RetentionStore(file, () => nowMs);
  });

  afterEach(async () => {
    file.sqlite.close();
    await rm(folder, { recursive: true });
  });

  function add(draft: SegmentDraft, kinds: readonly SegmentFileKind[] = []): void {
    segments.addSegment(finishedSegment(draft), { kinds, isBackfill: false, queuedMs: nowMs });
  }

  function storeAll(): void {
    const queue = new UploadStore(file, () => nowMs);
    for (const task of queue.claim(1000, nowMs))
      queue.markStored([{ id: task.id, key: task.fileName, etag: "e", storedMs: nowMs }]);
  }

  function names(filter: Pick<LocalFilter, "hwid" | "isStored">): readonly string[] {
    const found: string[] = [];
    for (let after: LocalFilter["after"]; ; ) {
      const page = retention.localSegments({ ...filter, limit: 2, ...(after && { after }) });
      found.push(...page.map(({ name }) => name.slice(name.lastIndexOf("_") + 1)));
      after = page.at(-1);
      if (after === undefined) return found;
    }
  }

  it("counts what each device has, and all together, and what of it is local", () => {
    assert.deepEqual(retention.totals(), { segmentCount: 0, localSegmentCount: 0, localBytes: 0 });
    for (let index = 0; index < 3; index++) add({ index });
    add({ hwid: null, session: "n", hasWav: false });
    add({ hwid: "mic-2", session: "s2" });
    new EvictionStore(file.sqlite, () => nowMs).mark([1], nowMs);
    const all = [
      { hwid: null, segmentCount: 1, localSegmentCount: 1, localBytes: 86_000 },
      { hwid: "mic-1", segmentCount: 3, localSegmentCount: 2, localBytes: 2 * bytes },
      { hwid: "mic-2", segmentCount: 1, localSegmentCount: 1, localBytes: bytes },
    ];
    assert.deepEqual(retention.usage({ limit: 9 }), all);
    assert.deepEqual(retention.usage({ limit: 1 }), all.slice(0, 1));
    assert.deepEqual(retention.usage({ limit: 1, after: null }), all.slice(1, 2));
    assert.deepEqual(retention.usage({ limit: 9, after: "mic-1" }), all.slice(2));
    assert.deepEqual(retention.usage({ limit: 9, after: "mic-2" }), []);
    assert.deepEqual(retention.totals(), {
      ...{ segmentCount: 5, localSegmentCount: 4 },
      localBytes: 86_000 + 3 * bytes,
    });
  });

  it("follows segments that are derived again and that are deleted", () => {
    add({});
    add({ index: 1 });
    new EvictionStore(file.sqlite, () => nowMs).mark([1], nowMs);
    add({ hasWav: false, content: "b" });
    assert.deepEqual(retention.usage({ limit: 9 }), [
      { hwid: "mic-1", segmentCount: 2, localSegmentCount: 2, localBytes: 86_000 + bytes },
    ]);
    file.sqlite.exec("DELETE FROM segments");
    assert.deepEqual(retention.usage({ limit: 9 }), [
      { hwid: "mic-1", segmentCount: 0, localSegmentCount: 0, localBytes: 0 },
    ]);
  });

  it("gives local segments oldest first, of a device or of all, stored and not stored apart", () => {
    for (const index of [2, 0, 1]) add({ index }, segmentFileKinds);
    add({ hwid: null, session: "n", index: 1 }, segmentFileKinds);
    storeAll();
    for (const index of [4, 3]) add({ index });
    add({ hwid: "mic-2", session: "s2", index: 3 });
    new EvictionStore(file.sqlite, () => nowMs).mark([2], nowMs);
    assert.deepEqual(names({ hwid: "mic-1", isStored: true }), ["s1-1", "s1-2"]);
    assert.deepEqual(names({ hwid: "mic-1", isStored: false }), ["s1-3", "s1-4"]);
    assert.deepEqual(names({ hwid: null, isStored: true }), ["n-1"]);
    assert.deepEqual(names({ isStored: true }), ["s1-1", "n-1", "s1-2"]);
    assert.deepEqual(names({ isStored: false }), ["s1-3", "s2-3", "s1-4"]);
  });

  it("tells all that is needed of a segment", () => {
    add({ index: 1 });
    const startMs = sessionStartMs + 10_000;
    assert.deepEqual(retention.localSegments({ isStored: false, limit: 9 }), [
      {
        ...{ id: 1, name: "stream_7_mic-1_20260101_s1-1", folder: "mic-1", hwid: "mic-1" },
        ...{
          startMs,
          endMs: startMs + 10_000,
          keptFromMs: startMs,
          isStored: false,
          isQueued: false,
          isAwaited: false,
          bytes,
        },
      },
    ]);
  });

  it("tells what waits for its upload, also when that failed", () => {
    for (const index of [0, 1, 2]) add({ index }, segmentFileKinds);
    const queue = new UploadStore(file, () => nowMs);
    for (const { id, index } of queue.claim(1000, nowMs)) {
      if (index === 0) queue.release([id]);
      else if (index === 1) queue.markFailed(id, { code: "UPLOAD_FAILED", reason: "down", nextTryMs: nowMs + 1 });
    }
    add({ index: 3 });
    assert.deepEqual(
      retention.localSegments({ isStored: false, limit: 9 }).map(({ isQueued }) => isQueued),
      [true, true, true, false],
    );
  });

  it("ages and orders what a device with a wrong clock sent by the server's, what one with a right clock sent by its own", () => {
    const yearMs = 365 * 86_400_000;
    /** A segment by a device whose clock says 2026 when the server's says so many years later. */
    const addFrom = (session: string, rule: Sidecar["time"]["rule"], aheadMs: number, index = 0) => {
      const { sidecar } = finishedSegment({ index });
      const time = { ...sidecar.time, rule, server_start_ms: sessionStartMs - aheadMs };
      add({ session, index, sidecar: { time } });
    };
    addFrom("ahead", "device-unverified", yearMs);
    addFrom("behind", "device-unverified", -yearMs, 2);
    addFrom("synced", "device-synced", 500_000, 1);
    addFrom("arrival", "server-arrival", 0, 3);
    const found = retention.localSegments({ isStored: false, limit: 9 });
    assert.deepEqual(
      found.map(({ name, keptFromMs }) => [name.slice(name.lastIndexOf("_") + 1), keptFromMs - sessionStartMs]),
      [
        ["ahead-0", -yearMs],
        ["synced-1", 10_000],
        ["arrival-3", 30_000],
        ["behind-2", yearMs + 20_000],
      ],
    );
    assert.deepEqual(names({ isStored: false }), ["ahead-0", "synced-1", "arrival-3", "behind-2"]);
    assert.deepEqual(names({ hwid: "mic-1", isStored: false }), ["ahead-0", "synced-1", "arrival-3", "behind-2"]);
  });

  it("adds up what was recorded lately", () => {
    for (let index = 0; index < 3; index++) add({ index });
    // A device whose clock is ahead.
    const { time } = finishedSegment().sidecar;
    add({ session: "s9", index: 9, sidecar: { time: { ...time, start_ms: nowMs + 1, end_ms: nowMs + 2 } } });
    const sinceMs = sessionStartMs + 10_000;
    assert.deepEqual(retention.recentBytes(sinceMs), { bytes: 2 * bytes, sinceMs });
    assert.deepEqual(retention.recentBytes(sinceMs + 60_000), { bytes: 0, sinceMs: sinceMs + 60_000 });
  });

  it("counts from where recording began, which is no hour ago", () => {
    const agoMs = sessionStartMs - 3_600_000;
    assert.deepEqual(retention.recentBytes(agoMs), { bytes: 0, sinceMs: agoMs });
    for (let index = 0; index < 3; index++) add({ index });
    assert.deepEqual(retention.recentBytes(agoMs), { bytes: 3 * bytes, sinceMs: sessionStartMs });
    // A device whose clock is years behind changes nothing.
    const { time } = finishedSegment().sidecar;
    add({ session: "s9", index: 9, sidecar: { time: { ...time, start_ms: 1, end_ms: 2 } } });
    assert.deepEqual(retention.recentBytes(agoMs), { bytes: 3 * bytes, sinceMs: sessionStartMs });
  });
});
