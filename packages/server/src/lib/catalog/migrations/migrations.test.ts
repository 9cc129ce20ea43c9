import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { Migrator } from "kysely/migration";
import { systemClock } from "../../kernel/clock.ts";
import { silentLog } from "../../kernel/log.ts";
import { finishedSegment } from "../finished-segment.test-support.ts";
import { openCatalog } from "../sqlite-catalog.ts";
import { initial } from "./001-initial.ts";

/** A session with two segments, the first one uploaded, as the server of migration 001 left them. */
const earlierRows = `
  INSERT INTO devices (hwid, first_seen_ms, last_seen_ms) VALUES ('mic-1', 1000, 21000);
  INSERT INTO sessions (session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms, start_rule,
    device_start_ms, server_start_ms, ended_ms)
  VALUES ('old', 'mic-1', 7, 'pcm16', 16000, 1, 320, 1000, 'server-arrival', 0, 1000, 21000);
  INSERT INTO segments (session, idx, hwid, stream_id, name, folder, start_ms, end_ms, start_sample, samples, frames,
    duplicates, first_seq, last_seq, gap_samples, bin_bytes, bin_sha256, json_bytes, json_sha256, recovered, close_reason)
  VALUES
    ('old', 0, 'mic-1', 7, 'a', 'mic-1', 1000, 11000, 0, 160000, 500, 0, 0, 499, 0, 9, 'b0', 9, 'j0', 0, 'rotation'),
    ('old', 1, 'mic-1', 7, 'b', 'mic-1', 11000, 21000, 160000, 160000, 500, 0, 500, 999, 320, 9, 'b1', 9, 'j1', 0,
      'session-ended');
  INSERT INTO gaps VALUES (2, 0, 600, 601, 192000, 320, 'not-received', 13000);
  INSERT INTO uploads (segment_id, kind, bytes, sha256, state, is_backfill, next_try_ms, queued_ms)
  VALUES (1, 'bin', 9, 'b0', 'stored', 0, 1, 1), (1, 'json', 9, 'j0', 'stored', 0, 1, 1),
    (2, 'bin', 9, 'b1', 'pending', 0, 2, 2);`;

/** A catalogue that was made by migration 001 alone. */
async function makeEarlierCatalog(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "eet-migrations-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "catalog.db");
  const sqlite = new Database(path);
  sqlite.pragma(`application_id = ${0x45455443}`);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) });
  const provider = { getMigrations: async () => ({ "001-initial": initial }) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  assert.equal(error, undefined);
  sqlite.exec(earlierRows);
  sqlite.close();
  return path;
}

function read(path: string, sql: string): unknown[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).raw().all();
  } finally {
    reader.close();
  }
}

/** The tables of migration 001 with its columns. */
const earlierColumns = {
  devices: "hwid, first_seen_ms, last_seen_ms, nibble_order, nibble_source, nibble_seen_ms",
  sessions: "session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms, start_rule, ended_ms",
  segments: "id, session, idx, name, start_ms, end_ms, first_seq, last_seq, bin_sha256, close_reason, is_stored",
  gaps: "segment_id, idx, from_seq, to_seq, start_sample, sample_count, cause, start_ms",
  uploads: "*",
  upload_totals: "*",
};

function readEarlierColumns(path: string): unknown[] {
  return Object.entries(earlierColumns).map(([table, columns]) => read(path, `SELECT ${columns} FROM ${table}`));
}

describe("migration 002", () => {
  it("keeps what stood in the catalogue, as plain sessions", async (t) => {
    const path = await makeEarlierCatalog(t);
    const before = readEarlierColumns(path);
    const catalog = await openCatalog({ path, log: silentLog, clock: systemClock });
    assert.deepEqual(await catalog.counts(), { devices: 1, sessions: 1, segments: 2 });
    assert.equal(await catalog.resumePoint("old"), undefined);
    await catalog.close();
    assert.deepEqual(readEarlierColumns(path), before);
    assert.deepEqual(read(path, "SELECT acked, start_warning, last_active_ms FROM sessions"), [[0, null, 0]]);
    assert.deepEqual(read(path, "SELECT acked, drift_ppm, dropped_duplicates FROM segments"), [
      [0, null, 0],
      [0, null, 0],
    ]);
  });

  it("leaves a catalogue that takes up acknowledged sessions", async (t) => {
    const path = await makeEarlierCatalog(t);
    const catalog = await openCatalog({ path, log: silentLog, clock: systemClock });
    const anchors = [{ seq: 1, capture_ms: 2, capture_us: 3 }];
    await catalog.addSegment(finishedSegment({ sidecar: { acked: true, anchors } }), ["bin"], { isBackfill: false });
    assert.deepEqual((await catalog.resumePoint("s1"))?.next, { seq: 500, sample: 160_000 });
    await catalog.close();
    assert.deepEqual(read(path, "SELECT * FROM anchors"), [[3, 0, 1, 2, 3]]);
  });
});

describe("migration 005", () => {
  it("adds up what stands in the catalogue, as if it had been counted all along", async (t) => {
    const path = await makeEarlierCatalog(t);
    const catalog = await openCatalog({ path, log: silentLog, clock: systemClock });
    const { reader } = catalog;
    const [device] = (await reader.devices({ limit: 9 })).rows;
    assert.deepEqual(device, {
      ...{ hwid: "mic-1", name: null, tags: [], firstSeenMs: 1000, lastSeenMs: 21_000 },
      ...{ sessionCount: 1, segmentCount: 2, mediaMs: 20_000, gapMs: 20, bytes: 18 },
      ...{ waitingFileCount: 1, waitingBytes: 9 },
    });
    const session = await reader.session("old");
    assert.deepEqual(
      [session?.segmentCount, session?.sampleCount, session?.gapSampleCount, session?.endedMs],
      [2, 320_000, 320, 21_000],
    );
    assert.deepEqual(await reader.streams("mic-1"), [{ streamId: 7, lastSeenMs: 21_000 }]);
    const timeline = await reader.timeline({ hwid: "mic-1", fromMs: 0, toMs: 86_400_000, resolutionMs: 3_600_000 });
    assert.deepEqual(
      timeline.buckets.map(({ startMs, coveredMs, gapMs, segmentCount }) => ({
        ...{ startMs, coveredMs, segmentCount },
        lostMs: gapMs["not-received"],
      })),
      [{ startMs: 0, coveredMs: 19_980, segmentCount: 2, lostMs: 20 }],
    );
    assert.deepEqual(
      timeline.gaps.map(({ startMs, durationMs }) => [startMs, durationMs]),
      [[13_000, 20]],
    );
    const states = (await reader.segments({ hwid: "mic-1", limit: 9 })).rows.map(({ uploadState }) => uploadState);
    assert.deepEqual(states, ["stored", "pending"]);
    assert.equal((await reader.segments({ uploadState: "pending", limit: 9 })).rows.length, 1);
    await catalog.close();
  });
});

describe("migration 010", () => {
  it("ages recordings by the server's clock where the device's was not believed", async (t) => {
    const path = await makeEarlierCatalog(t);
    const sqlite = new Database(path);
    sqlite.exec(`INSERT INTO sessions SELECT 'wrong', hwid, stream_id, codec, sample_rate_hz, channels, frame_samples,
        start_ms, 'device-unverified', start_ms, 901000, ended_ms FROM sessions;
      UPDATE segments SET session = 'wrong' WHERE idx = 1`);
    sqlite.close();
    await (await openCatalog({ path, log: silentLog, clock: systemClock })).close();
    assert.deepEqual(read(path, "SELECT start_ms, kept_from_ms FROM segments ORDER BY id"), [
      [1000, 1000],
      [11_000, 911_000],
    ]);
  });
});

describe("migrations", () => {
  it("refuse a catalogue that holds another schema than it says, change nothing, and tell what to do", async (t) => {
    const path = await makeEarlierCatalog(t);
    const sqlite = new Database(path);
    sqlite.exec("DROP INDEX segments_to_evict; ALTER TABLE sessions RENAME COLUMN ended_ms TO gone_ms");
    sqlite.close();
    const schemaOf = () => read(path, "SELECT name, sql FROM sqlite_master ORDER BY name");
    const before = schemaOf();
    await assert.rejects(openCatalog({ path, log: silentLog, clock: systemClock }), {
      code: "CATALOG_UNREADABLE",
      message: /holds another schema than it says.*no such column/,
    });
    assert.deepEqual(schemaOf(), before);
  });
});
