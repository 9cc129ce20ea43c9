import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { type SegmentFileKind, segmentFileKinds } from "../kernel/finished-segment.ts";
import { type CatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { finishedSegment, sessionStartMs, sha256 } from "./finished-segment.test-support.ts";
import { SegmentStore } from "./segment-store.ts";
import type { UploadTask } from "./upload-queue.ts";
import { UploadQueueModel } from "./upload-queue-model.test-support.ts";
import { UploadStore } from "./upload-store.ts";

let folder: string;
let file: CatalogFile;
let segments: SegmentStore;
let queue: UploadStore;
let nowMs: number;

async function openQueue(): Promise<void> {
  file = await openCatalogFile(join(folder, "catalog.db"));
  segments = new SegmentStore(file.sqlite);
  queue = new UploadStore(file, () => nowMs);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-uploads-"));
  nowMs = 1000;
  await openQueue();
});

afterEach(async () => {
  file.sqlite.close();
  await rm(folder, { recursive: true });
});

function add(index: number, kinds: readonly SegmentFileKind[] = ["bin"], isBackfill = false, content = "a"): void {
  segments.addSegment(finishedSegment({ index, content }), { kinds, isBackfill, queuedMs: nowMs++ });
}

function claimFiles(limit: number): string[] {
  return queue.claim(limit, nowMs).map(({ index, kind }) => `${index}.${kind}`);
}

const stored = { key: "received/mic-1/x.bin", etag: "e", storedMs: 5000 };
const failure = { code: "UPLOAD_UNREACHABLE", reason: "connect ECONNREFUSED", nextTryMs: 9000 };

describe("UploadStore", () => {
  it("hands out all that an uploader needs", () => {
    add(3, ["wav"]);
    const [task] = queue.claim(1, nowMs);
    assert.deepEqual(task, {
      id: 1,
      segmentId: 1,
      kind: "wav",
      folder: "mic-1",
      fileName: "stream_7_mic-1_20260101_s1-3.wav",
      bytes: 320_800,
      sha256: sha256("stream_7_mic-1_20260101_s1-3.wav a"),
      attempts: 0,
      isBackfill: false,
      hwid: "mic-1",
      session: "s1",
      index: 3,
      streamId: 7,
      codec: "adpcm",
      sampleRateHz: 16_000,
      channels: 1,
      sampleCount: 160_000,
      startMs: sessionStartMs + 30_000,
    } satisfies UploadTask);
  });

  it("claims live before back-fill, oldest first, each upload once [S-4.2]", () => {
    add(0, ["bin"], true);
    add(1, ["json", "bin"]);
    add(2);
    assert.deepEqual(claimFiles(2), ["1.bin", "1.json"]);
    assert.deepEqual(claimFiles(9), ["2.bin", "0.bin"]);
    assert.deepEqual(claimFiles(9), []);
  });

  it("gives a failed upload again when its time comes, with its attempts counted", () => {
    add(0);
    const [task] = queue.claim(1, nowMs);
    queue.markFailed(task!.id, failure);
    assert.equal(queue.nextDueMs(), 9000);
    assert.deepEqual(queue.claim(1, 8999), []);
    const [again] = queue.claim(1, 9000);
    assert.equal(again!.id, task!.id);
    assert.equal(again!.attempts, 1);
  });

  it("releases claimed uploads to their old place without counting an attempt", () => {
    add(0);
    add(1);
    const tasks = queue.claim(2, nowMs);
    queue.release(tasks.map(({ id }) => id));
    assert.deepEqual(
      queue.claim(2, nowMs).map(({ id, attempts }) => ({ id, attempts })),
      tasks.map(({ id }) => ({ id, attempts: 0 })),
    );
  });

  it("keeps the store's answer and the last failure", () => {
    add(0, ["bin", "json"]);
    const [bin, json] = queue.claim(2, nowMs);
    queue.markStored([{ id: bin!.id, ...stored }]);
    queue.markFailed(json!.id, failure);
    const rows = file.sqlite.prepare("SELECT state, key, etag, stored_ms, error_code, reason FROM uploads").raw().all();
    assert.deepEqual(rows, [
      ["stored", "received/mic-1/x.bin", "e", 5000, null, null],
      ["failed", null, null, null, "UPLOAD_UNREACHABLE", "connect ECONNREFUSED"],
    ]);
  });

  it("leaves an unchanged upload alone when its segment is added again", () => {
    add(0, ["bin", "wav", "json"]);
    const [bin] = queue.claim(2, nowMs);
    queue.markStored([{ id: bin!.id, ...stored }]);
    add(0, ["bin", "wav", "json"]);
    assert.deepEqual(claimFiles(9), ["0.json"]);
    assert.equal(queue.counts().stored, 1);
    assert.equal(queue.counts().uploading, 2);
  });

  it("makes a failed upload due at once when its segment is added again", () => {
    add(0);
    queue.markFailed(queue.claim(1, nowMs)[0]!.id, failure);
    add(0);
    assert.deepEqual(claimFiles(1), ["0.bin"]);
  });

  it("queues a changed file again, asked for or not, and ignores the uploader of the old one [S-4.4]", () => {
    add(0);
    const [old] = queue.claim(1, nowMs);
    add(0, [], false, "b");
    queue.markStored([{ id: old!.id, ...stored }]);
    assert.equal(queue.areAllStored(1), false);
    const [fresh] = queue.claim(1, nowMs);
    assert.equal(fresh!.sha256, sha256("stream_7_mic-1_20260101_s1-0.bin b"));
    queue.markFailed(old!.id, failure);
    assert.equal(queue.counts().uploading, 1);
  });

  it("queues what was never queued, in slices, as back-fill", async () => {
    for (let index = 0; index < 2500; index++) add(index, index === 1200 ? ["bin"] : []);
    segments.addSegment(finishedSegment({ index: 2500, hasWav: false }), { kinds: [], isBackfill: false, queuedMs: 1 });
    assert.equal(await queue.enqueueMissing(["bin", "wav"]), 2500 + 2500);
    assert.equal(await queue.enqueueMissing(["bin", "wav"]), 0);
    assert.deepEqual(claimFiles(3), ["1200.bin", "0.bin", "1.bin"]);
  });

  it("queues what was never queued at once, however far ids lie apart", { timeout: 10_000 }, async () => {
    add(0, []);
    file.sqlite.prepare("UPDATE segment_ids SET last_id = ?").run(Date.UTC(2026, 0, 1));
    for (let index = 1; index < 1500; index++) add(index, []);
    assert.equal(await queue.enqueueMissing(["bin"]), 1500);
  });

  it("stops queueing what is missing when the catalogue is closed meanwhile", async () => {
    add(0, []);
    const queued = queue.enqueueMissing(["bin"]);
    file.sqlite.close();
    assert.equal(await queued, 0);
  });

  it("behaves as the model does, whatever is asked of it in whatever order, reopened at any point", async () => {
    const kinds = fc.subarray([...segmentFileKinds]);
    const operation = fc.oneof(
      fc.record({
        op: fc.constant("add" as const),
        index: fc.nat(4),
        content: fc.constantFrom("a", "b"),
        hasWav: fc.boolean(),
        kinds,
        isBackfill: fc.boolean(),
      }),
      fc.record({ op: fc.constant("claim" as const), limit: fc.nat(5) }),
      fc.record({ op: fc.constant("store" as const), task: fc.nat(30) }),
      fc.record({ op: fc.constant("fail" as const), task: fc.nat(30), waitMs: fc.nat(40) }),
      fc.record({ op: fc.constant("release" as const), task: fc.nat(30) }),
      fc.record({ op: fc.constant("enqueue" as const), kinds }),
      fc.record({ op: fc.constant("wait" as const), waitMs: fc.nat(30) }),
      fc.record({ op: fc.constant("reopen" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60, size: "max" }), async (operations) => {
        file.sqlite.exec("DELETE FROM segments");
        const model = new UploadQueueModel();
        const claimed: { id: number; serial: number }[] = [];
        for (const step of operations) {
          const target = "task" in step ? claimed.at(-1 - (step.task % (claimed.length + 1))) : undefined;
          if (step.op === "add") {
            const segment = finishedSegment(step);
            segments.addSegment(segment, { ...step, queuedMs: nowMs });
            model.addSegment(segment, step.kinds, step.isBackfill, nowMs);
          } else if (step.op === "claim") {
            const tasks = queue.claim(step.limit, nowMs);
            const labels = tasks.map(({ fileName, sha256 }) => `${fileName} ${sha256}`);
            const expected = model.claim(step.limit, nowMs);
            assert.deepEqual(
              labels,
              expected.map(({ label }) => label),
            );
            claimed.push(...tasks.map(({ id }, at) => ({ id, serial: expected[at]!.serial })));
          } else if (step.op === "store" && target !== undefined) {
            queue.markStored([{ id: target.id, ...stored }]);
            model.markStored(target.serial);
          } else if (step.op === "fail" && target !== undefined) {
            queue.markFailed(target.id, { ...failure, nextTryMs: nowMs + step.waitMs });
            model.markFailed(target.serial, nowMs + step.waitMs);
          } else if (step.op === "release" && target !== undefined) {
            queue.release([target.id]);
            model.release(target.serial);
          } else if (step.op === "enqueue") {
            assert.equal(await queue.enqueueMissing(step.kinds), model.enqueueMissing(step.kinds, nowMs));
          } else if (step.op === "wait") {
            nowMs += step.waitMs;
          } else if (step.op === "reopen") {
            file.sqlite.close();
            await openQueue();
            queue.resetInterrupted();
            model.resetInterrupted();
          }
          assert.deepEqual(queue.counts(), model.counts());
          assert.equal(queue.nextDueMs(), model.nextDueMs());
        }
        const rows = file.sqlite.prepare<[], { id: number; name: string }>("SELECT id, name FROM segments").all();
        for (const { id, name } of rows) assert.equal(queue.areAllStored(id), model.areAllStored(name));
      }),
      { numRuns: 100 },
    );
  });
});
