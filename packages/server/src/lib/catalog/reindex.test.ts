import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Database from "better-sqlite3";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { silentLog } from "../kernel/log.ts";
import type { Catalog } from "./catalog.ts";
import { finishedSegment } from "./finished-segment.test-support.ts";
import { reindexCatalog } from "./reindex.ts";
import { openCatalog } from "./sqlite-catalog.ts";

const clock: Clock = { ...systemClock, wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) as WallMs };
const asideName = "catalog.db.corrupt-20260102T030405.678Z";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-reindex-"));
  path = join(folder, "catalog.db");
});

afterEach(() => rm(folder, { recursive: true }));

async function* sidecars(...segments: readonly FinishedSegment[]): AsyncGenerator<FinishedSegment> {
  yield* segments;
}

async function withCatalog<T>(work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = await openCatalog({ path, log: silentLog, clock });
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}

function rows(sql: string): unknown[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).raw().all();
  } finally {
    reader.close();
  }
}

const uploadsSql = `SELECT segments.name || '.' || kind, state, attempts, error_code, key, stored_ms, queued_ms
  FROM uploads JOIN segments ON segments.id = segment_id ORDER BY uploads.id`;

describe("reindexCatalog", () => {
  it("builds a catalogue where there is none, and tells how far it is", async () => {
    const progress: number[] = [];
    const segments = Array.from({ length: 1201 }, (_, index) => finishedSegment({ index }));
    const counts = await reindexCatalog(path, sidecars(...segments), { onProgress: (count) => progress.push(count) });
    assert.deepEqual(counts, { devices: 1, sessions: 1, segments: 1201 });
    assert.deepEqual(progress, [500, 1000, 1201]);
    assert.deepEqual(await readdir(folder), ["catalog.db"]);
    assert.deepEqual(await withCatalog((catalog) => catalog.counts()), counts);
  });

  it("equals the catalogue that was written live", async () => {
    const segments = [
      finishedSegment({ index: 0 }),
      finishedSegment({ index: 1, sidecar: { nibble_order: { order: "high", source: "exact" } } }),
      finishedSegment({ index: 0, session: "s2", hwid: null, sidecar: { close_reason: "session-ended" } }),
    ];
    await withCatalog(async (catalog) => {
      for (const segment of segments) await catalog.addSegment(segment, ["bin", "json"], { isBackfill: false });
      await catalog.endSession("s1", 777);
    });
    const tables = ["devices", "sessions", "segments", "gaps", "uploads", "upload_totals"];
    const before = tables.map((table) => rows(`SELECT * FROM ${table}`));
    await reindexCatalog(path, sidecars(...segments));
    assert.deepEqual(
      tables.map((table) => rows(`SELECT * FROM ${table}`)),
      before,
    );
  });

  it("keeps states of uploads whose file is the same, so that nothing is uploaded twice", async () => {
    const name = (index: number) => finishedSegment({ index }).sidecar.name;
    await withCatalog(async (catalog) => {
      for (const index of [0, 1, 2]) {
        await catalog.addSegment(finishedSegment({ index }), ["bin", "wav"], { isBackfill: false });
      }
      const [stored, failed, , changed] = catalog.uploads.claim(5, 0);
      catalog.uploads.markStored(stored!.id, { key: "k", etag: "e", storedMs: 5 });
      catalog.uploads.markFailed(failed!.id, { code: "UPLOAD_DENIED", reason: "403", nextTryMs: 9 });
      catalog.uploads.markStored(changed!.id, { key: "k2", etag: "e2", storedMs: 6 });
    });
    // Segment 1 was derived again with another WAV, segment 2's sidecar is gone, another order and folder of the rest.
    const { sidecar, ...rest } = finishedSegment({ index: 1 });
    const wav = { bytes: 9, sha256: "0".repeat(64) };
    const derivedAgain = { ...rest, sidecar: { ...sidecar, files: { ...sidecar.files, wav } } };
    await reindexCatalog(path, sidecars(derivedAgain, { ...finishedSegment({ index: 0 }), folder: "moved" }));
    const queuedMs = clock.wallMs();
    assert.deepEqual(rows(uploadsSql), [
      [`${name(0)}.bin`, "stored", 0, null, "k", 5, queuedMs],
      [`${name(0)}.wav`, "failed", 1, "UPLOAD_DENIED", null, null, queuedMs],
      [`${name(1)}.bin`, "uploading", 0, null, null, null, queuedMs],
    ]);
    await withCatalog(async ({ uploads }) => {
      uploads.resetInterrupted();
      assert.equal(await uploads.enqueueMissing(["bin", "wav"]), 1);
      const { pending, stored, failed } = uploads.counts();
      assert.deepEqual({ pending, stored, failed }, { pending: 2, stored: 1, failed: 1 });
    });
  });

  it("keeps which segments are evicted, and does not queue their files", async () => {
    await withCatalog(async (catalog) => {
      for (const index of [0, 1])
        await catalog.addSegment(finishedSegment({ index }), ["bin", "json"], { isBackfill: false });
      for (const { id } of catalog.uploads.claim(9, 0)) {
        catalog.uploads.markStored(id, { key: "k", etag: "e", storedMs: 5 });
      }
      await catalog.markEvicted([1], 1234.5);
    });
    await reindexCatalog(path, sidecars(finishedSegment({ index: 1 }), finishedSegment({ index: 0 })));
    assert.deepEqual(rows("SELECT idx, is_stored, evicted_ms FROM segments ORDER BY idx"), [
      [0, 1, 1234.5],
      [1, 1, null],
    ]);
    await withCatalog(async ({ uploads }) => assert.equal(await uploads.enqueueMissing(["wav"]), 1));
  });

  it("reads what only stands in the old catalogue's log", async () => {
    const catalog = await openCatalog({ path, log: silentLog, clock });
    await catalog.addSegment(finishedSegment(), ["bin"], { isBackfill: false });
    const files = await Promise.all(["", "-wal"].map((ending) => readFile(`${path}${ending}`)));
    await catalog.close();
    await writeFile(path, files[0]!);
    await writeFile(`${path}-wal`, files[1]!);
    await reindexCatalog(path, sidecars(finishedSegment()));
    assert.deepEqual(await readdir(folder), ["catalog.db"]);
    assert.equal(rows(uploadsSql).length, 1);
  });

  it("keeps a damaged catalogue aside and goes on", async () => {
    await writeFile(path, "no pages of a database, only words; ".repeat(100));
    await writeFile(`${path}-wal`, "neither");
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_: unknown, message: string) => warnings.push(message) };
    await reindexCatalog(path, sidecars(finishedSegment()), { clock, log });
    assert.equal(warnings.length, 1);
    assert.deepEqual((await readdir(folder)).filter((name) => !name.endsWith("-wal")).sort(), [
      "catalog.db",
      asideName,
    ]);
    assert.match(await readFile(join(folder, asideName), "utf8"), /^no pages/);
    assert.equal(rows("SELECT id FROM segments").length, 1);
  });

  it("keeps a catalogue aside whose tables are damaged", async () => {
    await withCatalog((catalog) => catalog.addSegment(finishedSegment(), ["bin"], { isBackfill: false }));
    const damaged = new Database(path);
    damaged.exec("DROP TABLE uploads");
    damaged.close();
    await reindexCatalog(path, sidecars(finishedSegment()), { clock });
    assert.deepEqual((await readdir(folder)).sort(), ["catalog.db", asideName]);
  });

  it("leaves the old catalogue in place when the sidecars cannot be read", async () => {
    await withCatalog((catalog) => catalog.addSegment(finishedSegment(), ["bin"], { isBackfill: false }));
    const before = await readFile(path);
    async function* failing(): AsyncGenerator<FinishedSegment> {
      yield finishedSegment({ index: 1 });
      throw new Error("the folder is gone");
    }
    await assert.rejects(reindexCatalog(path, failing()), /the folder is gone/);
    assert.deepEqual(await readFile(path), before);
    assert.deepEqual(await readdir(folder), ["catalog.db"]);
  });

  it("starts anew over what an interrupted run left", async () => {
    await writeFile(`${path}.new`, "half a database");
    await reindexCatalog(path, sidecars(finishedSegment()));
    assert.deepEqual(await readdir(folder), ["catalog.db"]);
  });
});
