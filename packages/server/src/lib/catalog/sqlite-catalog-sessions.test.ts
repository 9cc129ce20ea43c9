import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Database from "better-sqlite3";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import type { Catalog } from "./catalog.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import { openCatalog } from "./sqlite-catalog.ts";

const nowMs = 1_800_000_000_000;
let wallMs = nowMs;
const clock: Clock = { ...systemClock, wallMs: () => wallMs as WallMs };

let folder: string;
let path: string;
let catalog: Catalog;

beforeEach(async () => {
  wallMs = nowMs;
  folder = await mkdtemp(join(tmpdir(), "eet-catalog-"));
  path = join(folder, "catalog.db");
  catalog = await openCatalog({ path, log: silentLog, clock });
});

afterEach(async () => {
  await catalog.close();
  await rm(folder, { recursive: true });
});

async function add(...drafts: readonly SegmentDraft[]): Promise<void> {
  const options = { isBackfill: false };
  await Promise.all(drafts.map((draft) => catalog.addSegment(finishedSegment(draft), ["bin", "json"], options)));
}

function read(sql: string): unknown[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).all();
  } finally {
    reader.close();
  }
}

describe("Catalog.addSegment", () => {
  it("keeps what an acknowledged session tells of receipt and of the device's clocks", async () => {
    const anchors = [
      { seq: 3, capture_ms: sessionStartMs, capture_us: 2 ** 64 },
      { seq: 3, capture_ms: 0, capture_us: 7 },
    ];
    const { time } = finishedSegment().sidecar;
    const observed = { acked: true, dropped_duplicates: 4, drift_ppm: -12.5, anchors };
    await add({ sidecar: { ...observed, time: { ...time, warning: "probably-seconds" } } });
    assert.deepEqual(read("SELECT acked, drift_ppm, dropped_duplicates FROM segments"), [
      { acked: 1, drift_ppm: -12.5, dropped_duplicates: 4 },
    ]);
    assert.deepEqual(read("SELECT acked, start_warning FROM sessions"), [
      { acked: 1, start_warning: "probably-seconds" },
    ]);
    assert.deepEqual(read("SELECT * FROM anchors"), [
      { segment_id: 1, idx: 0, ...anchors[0] },
      { segment_id: 1, idx: 1, ...anchors[1] },
    ]);
    await add({ sidecar: { ...observed, anchors: anchors.slice(1) } });
    assert.deepEqual(read("SELECT * FROM anchors"), [{ segment_id: 1, idx: 0, ...anchors[1] }]);
  });

  it("notes the last sign of life, which for a segment that a crash left is when it first came", async () => {
    const activity = () => read("SELECT last_active_ms FROM sessions");
    await add({ index: 3 });
    await add({ index: 1 });
    assert.deepEqual(activity(), [{ last_active_ms: sessionStartMs + 40_040 }]);
    await add({ index: 4, sidecar: { recovered: true, received: null } });
    assert.deepEqual(activity(), [{ last_active_ms: nowMs }]);
    wallMs += 1000;
    await add({ index: 4, hasWav: false, sidecar: { recovered: true, received: null } });
    assert.deepEqual(activity(), [{ last_active_ms: nowMs }]);
  });
});

describe("Catalog.endSession", () => {
  it("notes the end, of several the latest", async () => {
    const ends = () => read("SELECT ended_ms FROM sessions");
    await add({ index: 1 });
    await catalog.endSession("s1", sessionStartMs + 20_500.5);
    await add({ index: 0, sidecar: { close_reason: "session-ended" } });
    await catalog.endSession("s1", sessionStartMs + 15_000);
    assert.deepEqual(ends(), [{ ended_ms: sessionStartMs + 20_500.5 }]);
    await add({ index: 2, sidecar: { close_reason: "disconnected" } });
    assert.deepEqual(ends(), [{ ended_ms: sessionStartMs + 30_040 }]);
    await catalog.endSession("s1", sessionStartMs + 30_500);
    assert.deepEqual(ends(), [{ ended_ms: sessionStartMs + 30_500 }]);
  });

  it("is not needed where the last segment tells that the session ended", async () => {
    await add({ index: 0, sidecar: { close_reason: "session-ended" } });
    await add({ session: "s2", sidecar: { close_reason: "disconnected" } });
    const ended_ms = sessionStartMs + 10_040;
    assert.deepEqual(read("SELECT ended_ms FROM sessions"), [{ ended_ms }, { ended_ms }]);
  });

  it("passes over a session of which no segment is known", async () => {
    await catalog.endSession("unknown", 1234);
    assert.deepEqual(read("SELECT * FROM sessions"), []);
  });
});

describe("Catalog.resumeSession", () => {
  it("takes back that the session ended, until it ends again [P-2.4]", async () => {
    await add({ sidecar: { acked: true, close_reason: "disconnected" } });
    await catalog.resumeSession("s1");
    await catalog.resumeSession("unknown");
    assert.deepEqual(read("SELECT ended_ms FROM sessions"), [{ ended_ms: null }]);
    await add({ index: 1, sidecar: { acked: true, close_reason: "session-ended" } });
    assert.deepEqual(read("SELECT ended_ms FROM sessions"), [{ ended_ms: sessionStartMs + 20_040 }]);
  });
});

describe("Catalog.resumePoint", () => {
  it("sees what was added, after another open as before it [P-2.7]", async () => {
    await add({ index: 0, sidecar: { acked: true } }, { index: 1, sidecar: { acked: true } });
    const point = await catalog.resumePoint("s1");
    assert.deepEqual([point?.next, point?.nextIndex], [{ seq: 1000, sample: 320_000 }, 2]);
    await catalog.close();
    catalog = await openCatalog({ path, log: silentLog, clock });
    assert.deepEqual(await catalog.resumePoint("s1"), point);
    assert.equal(await catalog.resumePoint("unknown"), undefined);
  });
});

describe("Catalog.uploadedNext", () => {
  it("follows what is stored, told by the segment", async () => {
    await add({ index: 0, sidecar: { acked: true } });
    assert.equal(await catalog.uploadedNext("s1"), 0);
    const tasks = catalog.uploads.claim(9, nowMs);
    for (const { id } of tasks) catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: nowMs }]);
    assert.deepEqual(await catalog.sessionOfSegment(tasks[0]!.segmentId), { session: "s1", isAcked: true });
    assert.equal(await catalog.uploadedNext("s1"), 500);
  });
});
