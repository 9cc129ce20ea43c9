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
import { finishedSegment, sessionStartMs } from "./finished-segment.test-support.ts";
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
    assert.deepEqual(counts, { devices: 1, sessions: 1, segments: 1201, copies: 0 });
    assert.deepEqual(progress, [500, 1000, 1201]);
    assert.deepEqual(await readdir(folder), ["catalog.db"]);
    const { copies, ...rowCounts } = counts;
    assert.equal(copies, 0);
    assert.deepEqual(await withCatalog((catalog) => catalog.counts()), rowCounts);
  });

  it("equals the catalogue that was written live", async () => {
    const anchors = [{ seq: 4, capture_ms: 1.5, capture_us: 99 }];
    const segments = [
      finishedSegment({ index: 0 }),
      finishedSegment({
        session: "acked",
        sidecar: { acked: true, dropped_duplicates: 2, drift_ppm: 3.25, anchors, close_reason: "disconnected" },
      }),
      finishedSegment({ session: "acked", index: 1, sidecar: { acked: true, received: null, recovered: true } }),
      finishedSegment({ index: 1, sidecar: { nibble_order: { order: "high", source: "exact" } } }),
      finishedSegment({ index: 0, session: "s2", hwid: null, sidecar: { close_reason: "session-ended" } }),
    ];
    await withCatalog(async (catalog) => {
      for (const segment of segments) await catalog.addSegment(segment, ["bin", "json"], { isBackfill: false });
      await catalog.endSession("s1", 777);
      await catalog.resumeSession("acked");
    });
    const tables = ["devices", "sessions", "segments", "gaps", "anchors", "uploads", "upload_totals"];
    const before = tables.map((table) => rows(`SELECT * FROM ${table}`));
    // Later: what the old catalogue knows of the last sign of life goes before that.
    const later: Clock = { ...clock, wallMs: () => (clock.wallMs() + 1e6) as WallMs };
    await reindexCatalog(path, sidecars(...segments), { clock: later });
    assert.deepEqual(
      tables.map((table) => rows(`SELECT * FROM ${table}`)),
      before,
    );
  });

  it("tells from the sidecars alone where acknowledged sessions stand", async () => {
    await reindexCatalog(
      path,
      sidecars(
        finishedSegment({ index: 1, sidecar: { acked: true, close_reason: "disconnected" } }),
        finishedSegment({ index: 0, sidecar: { acked: true } }),
        finishedSegment({ session: "s2", sidecar: { acked: true, received: null, recovered: true } }),
      ),
      { clock },
    );
    await withCatalog(async (catalog) => {
      const point = await catalog.resumePoint("s1");
      assert.deepEqual([point?.next.seq, point?.lastActiveMs], [1000, sessionStartMs + 20_040]);
      assert.equal((await catalog.resumePoint("s2"))?.lastActiveMs, clock.wallMs());
    });
    assert.deepEqual(rows("SELECT ended_ms FROM sessions WHERE session = 's1'"), [[sessionStartMs + 20_040]]);
  });

  it("keeps states of uploads whose file is the same, so that nothing is uploaded twice", async () => {
    const name = (index: number) => finishedSegment({ index }).sidecar.name;
    await withCatalog(async (catalog) => {
      for (const index of [0, 1, 2]) {
        await catalog.addSegment(finishedSegment({ index }), ["bin", "wav"], { isBackfill: false });
      }
      const [stored, failed, , changed] = catalog.uploads.claim(5, 0);
      catalog.uploads.markStored([{ id: stored!.id, key: "k", etag: "e", storedMs: 5 }]);
      catalog.uploads.markFailed(failed!.id, { code: "UPLOAD_DENIED", reason: "403", nextTryMs: 9 });
      catalog.uploads.markStored([{ id: changed!.id, key: "k2", etag: "e2", storedMs: 6 }]);
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
        catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: 5 }]);
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

describe("reindexCatalog, of what no sidecar tells", () => {
  const hook = { target: "hook", types: ["segment.closed", "session.started", "session.ended"] } as const;
  const types = async (catalog: Catalog) =>
    (await catalog.events.read({ afterId: 0, limit: 99 })).map(({ type, data }) => [type, data["session"]]);

  it("goes on with the log of events and with what is queued of it", async () => {
    const before = await withCatalog(async (catalog) => {
      catalog.deliveries.setTargets([hook]);
      for (const index of [0, 1, 2]) await catalog.addSegment(finishedSegment({ index }), [], { isBackfill: false });
      const [first] = catalog.deliveries.claim("hook", 1, clock.wallMs());
      catalog.deliveries.markFailed(first!.deliveryId, { reason: "410", nextTryMs: null });
      return {
        events: await catalog.events.read({ afterId: 0, limit: 99 }),
        dead: catalog.deliveries.deadLetters({ limit: 9 }),
        counts: catalog.deliveries.counts(),
        lastId: catalog.events.lastId,
      };
    });
    await reindexCatalog(path, sidecars(...[2, 1, 0].map((index) => finishedSegment({ index }))), { clock });
    await withCatalog(async (catalog) => {
      assert.deepEqual(await catalog.events.read({ afterId: 0, limit: 99 }), before.events);
      assert.deepEqual(catalog.deliveries.deadLetters({ limit: 9 }), before.dead);
      assert.deepEqual(catalog.deliveries.counts(), before.counts);
      assert.deepEqual(
        catalog.deliveries.claim("hook", 9, clock.wallMs()).map(({ event }) => event.data["index"]),
        [0],
      );
      await catalog.events.append([{ type: "storage.low", hwid: null, data: {} }]);
      assert.equal(catalog.events.lastId, before.lastId + 1);
    });
  });

  it("tells of segments that the old catalogue did not know, and of no other", async () => {
    await withCatalog(async (catalog) => {
      catalog.deliveries.setTargets([hook]);
      await catalog.addSegment(finishedSegment(), [], { isBackfill: false });
    });
    const found = finishedSegment({ session: "s2", sidecar: { close_reason: "session-ended" } });
    await reindexCatalog(path, sidecars(finishedSegment({ index: 1 }), found, finishedSegment()), { clock });
    await withCatalog(async (catalog) => {
      assert.deepEqual(await types(catalog), [
        ["session.started", "s1"],
        ["segment.closed", "s1"],
        ["segment.closed", "s1"],
        ["session.started", "s2"],
        ["segment.closed", "s2"],
        ["session.ended", "s2"],
      ]);
      const [, , late] = await catalog.events.read({ afterId: 0, limit: 99 });
      assert.deepEqual([late?.data["index"], late?.data["recovered"]], [1, true]);
      assert.equal(catalog.deliveries.counts()[0]?.pending, 6);
      await catalog.addSegment(finishedSegment({ index: 1 }), [], { isBackfill: true });
      assert.equal((await types(catalog)).length, 6);
    });
  });

  it("begins a log beyond the lost one's ids where there is no old catalogue", async () => {
    const lastId = await withCatalog(async (catalog) => {
      await catalog.addSegment(finishedSegment(), [], { isBackfill: false });
      return catalog.events.lastId;
    });
    await rm(path);
    const later: Clock = { ...clock, wallMs: () => (clock.wallMs() + 1000) as WallMs };
    await reindexCatalog(path, sidecars(finishedSegment()), { clock: later });
    await withCatalog(async (catalog) => {
      assert.deepEqual(await types(catalog), []);
      assert.ok(catalog.events.lastId > lastId);
    });
  });

  it("keeps pins, names, tags, health, and devices of which nothing is left", async () => {
    const state = { hwid: "mic-1", condition: "dead", sinceMs: 5, evidence: { peak: -120 } };
    const pin = await withCatalog(async (catalog) => {
      await catalog.addSegment(finishedSegment(), [], { isBackfill: false });
      await catalog.addSegment(finishedSegment({ hwid: "gone", session: "g" }), [], { isBackfill: false });
      await catalog.annotations.describeDevice("mic-1", { name: "Porch", tags: ["out"] });
      await catalog.annotations.setHealth("mic-1", [state], { type: "health.changed", hwid: "mic-1", data: {} });
      return catalog.annotations.addPin({ hwid: null, fromMs: 1, toMs: 2, note: "keep" });
    });
    await reindexCatalog(path, sidecars(finishedSegment()), { clock });
    await withCatalog(async (catalog) => {
      assert.deepEqual(await catalog.annotations.pins({}), [pin]);
      assert.deepEqual(await catalog.annotations.health(["mic-1"]), [state]);
      const device = await catalog.reader.device("mic-1");
      assert.deepEqual([device?.name, device?.tags, device?.segmentCount], ["Porch", ["out"], 1]);
      const gone = await catalog.reader.device("gone");
      assert.deepEqual([gone?.segmentCount, gone?.sessionCount, gone?.firstSeenMs], [0, 0, sessionStartMs + 60]);
    });
  });

  it("keeps the ids of segments, and gives none of them to another", async () => {
    await withCatalog(async (catalog) => {
      for (const index of [0, 1, 2, 3]) {
        await catalog.addSegment(finishedSegment({ index }), [], { isBackfill: false });
      }
      await catalog.annotations.deleteSegments({ segmentIds: [1, 4], reason: "test" });
    });
    const found = [finishedSegment({ session: "a" }), finishedSegment({ index: 2 }), finishedSegment({ index: 1 })];
    await reindexCatalog(path, sidecars(...found), { clock });
    const idsSql = "SELECT id, session, idx FROM segments ORDER BY id";
    const ids = [
      [2, "s1", 1],
      [3, "s1", 2],
      [5, "a", 0],
    ];
    assert.deepEqual(rows(idsSql), ids);
    await reindexCatalog(path, sidecars(...found), { clock });
    assert.deepEqual(rows(idsSql), ids);
  });

  it("gives ids beyond those of a catalogue that is lost", async () => {
    await reindexCatalog(path, sidecars(finishedSegment()), { clock });
    assert.deepEqual(rows("SELECT id FROM segments"), [[clock.wallMs() + 1]]);
  });

  it("brings back no segment that is being deleted, and forgets no session that may go on", async () => {
    const acked = { acked: true, close_reason: "disconnected" } as const;
    await withCatalog(async (catalog) => {
      await catalog.addSegment(finishedSegment(), ["bin"], { isBackfill: false });
      await catalog.addSegment(finishedSegment({ session: "a", sidecar: acked }), [], { isBackfill: false });
      await catalog.annotations.deleteSegments({ segmentIds: [1, 2], reason: "test" });
    });
    const found = [finishedSegment(), finishedSegment({ session: "a", sidecar: acked }), finishedSegment({ index: 1 })];
    await reindexCatalog(path, sidecars(...found), { clock });
    await withCatalog(async (catalog) => {
      assert.deepEqual(
        (await catalog.reader.segments({ limit: 9 })).rows.map(({ index }) => index),
        [1],
      );
      assert.equal((await catalog.annotations.pendingDeletions(9)).length, 2);
      const point = await catalog.resumePoint("a");
      assert.deepEqual([point?.next, point?.nextIndex], [{ seq: 500, sample: 160_000 }, 1]);
      assert.equal((await catalog.reader.device("mic-1"))?.sessionCount, 2);
    });
  });
});
