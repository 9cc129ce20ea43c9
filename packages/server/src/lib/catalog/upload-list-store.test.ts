import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { segmentFileKinds } from "../kernel/finished-segment.ts";
import { type CatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { finishedSegment } from "./finished-segment.test-support.ts";
import { SegmentStore } from "./segment-store.ts";
import { UploadStore } from "./upload-store.ts";

let folder: string;
let file: CatalogFile;
let segments: SegmentStore;
let queue: UploadStore;
let nowMs: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-upload-list-"));
  file = await openCatalogFile(join(folder, "catalog.db"));
  nowMs = 1_000;
  segments = new SegmentStore(file.sqlite);
  queue = new UploadStore(file, () => nowMs);
});
afterEach(async () => {
  file.sqlite.close();
  await rm(folder, { recursive: true });
});

function add(index: number, hwid: string | null = "mic-1", isBackfill = false, content = "a"): void {
  const session = `s-${hwid}`;
  const order = { kinds: segmentFileKinds, isBackfill, queuedMs: nowMs };
  segments.addSegment(finishedSegment({ index, hwid, session, content }), order);
}

/** Lets each claimed upload fail for the reason that `codeOf` tells. */
function failAll(codeOf: (kind: string) => string): void {
  for (const { id, kind } of queue.claim(1_000, nowMs)) {
    queue.markFailed(id, { code: codeOf(kind), reason: `no ${kind}`, nextTryMs: nowMs + 60_000 + id });
  }
}

describe("UploadListStore", () => {
  it("pages through what waits in the order of the queue, live before back-fill", () => {
    add(0, "old", true);
    add(0, "new");
    const names: string[] = [];
    let after: Parameters<typeof queue.list.page>[0]["after"];
    do {
      const page = queue.list.page({ state: "pending", limit: 2, ...(after && { after }) });
      names.push(...page.rows.map(({ hwid, kind }) => `${hwid} ${kind}`));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(names, ["new bin", "new wav", "new json", "old bin", "old wav", "old json"]);
    queue.claim(1, nowMs);
    const [uploading] = queue.list.page({ state: "uploading", limit: 9 }).rows;
    assert.deepEqual([uploading?.hwid, uploading?.state, uploading?.errorCode], ["new", "uploading", null]);
  });

  it("groups failures by their error, with the files behind each", () => {
    add(0);
    add(1);
    failAll((kind) => (kind === "wav" ? "UPLOAD_DENIED" : "UPLOAD_FAILED"));
    const groups = queue.list.failures().map(({ code, fileCount, reason }) => ({ code, fileCount, reason }));
    assert.deepEqual(groups, [
      { code: "UPLOAD_FAILED", fileCount: 4, reason: "no bin" },
      { code: "UPLOAD_DENIED", fileCount: 2, reason: "no wav" },
    ]);
    const { rows, next } = queue.list.page({ state: "failed", code: "UPLOAD_DENIED", limit: 1 });
    assert.deepEqual([rows[0]?.kind, rows[0]?.attempts, rows[0]?.reason], ["wav", 1, "no wav"]);
    assert.equal(queue.list.page({ state: "failed", code: "UPLOAD_DENIED", limit: 9, after: next! }).rows.length, 1);
  });

  it("makes due what failed: some, those of one error, all, each once", async () => {
    add(0);
    add(1);
    failAll((kind) => (kind === "wav" ? "UPLOAD_DENIED" : "UPLOAD_FAILED"));
    assert.deepEqual(queue.claim(9, nowMs), []);
    assert.equal(await queue.list.retry({ ids: [1, 999] }), 1);
    assert.equal(await queue.list.retry({ ids: [1] }), 0);
    assert.equal(await queue.list.retry({ code: "UPLOAD_DENIED" }), 2);
    assert.equal(await queue.list.retry({}), 3);
    assert.equal(queue.claim(9, nowMs).length, 6);
  });

  it("keeps what waits per device, whatever happens to it", () => {
    const devices = ["mic-1", "mic-2", null] as const;
    const count = file.sqlite.prepare(`
      SELECT coalesce(hwid, '') AS device, count(*) AS files, sum(uploads.bytes) AS bytes
      FROM uploads JOIN segments ON segments.id = segment_id WHERE state <> 'stored' GROUP BY 1`);
    const kept = file.sqlite.prepare("SELECT device, files, bytes FROM upload_backlogs WHERE files <> 0 OR bytes <> 0");
    const drop = file.sqlite.prepare("DELETE FROM segments WHERE idx = ? AND hwid IS ?");
    const step = fc.record({
      what: fc.constantFrom("add", "store", "fail", "release", "delete"),
      device: fc.constantFrom(...devices),
      index: fc.integer({ min: 0, max: 3 }),
      content: fc.constantFrom("a", "b"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        file.sqlite.exec("DELETE FROM segments");
        for (const { what, device, index, content } of steps) {
          if (what === "add") add(index, device, false, content);
          else if (what === "delete") drop.run(index, device);
          else {
            nowMs += 100_000;
            for (const { id } of queue.claim(2, nowMs)) {
              if (what === "store") queue.markStored([{ id, key: `k${id}`, etag: "e", storedMs: nowMs }]);
              else if (what === "fail") queue.markFailed(id, { code: "UPLOAD_FAILED", reason: "", nextTryMs: nowMs });
              else queue.release([id]);
            }
          }
          assert.deepEqual(kept.all(), count.all());
        }
      }),
      { numRuns: 60 },
    );
  });
});
