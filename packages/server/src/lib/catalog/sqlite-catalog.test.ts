import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Database from "better-sqlite3";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import { StorageError } from "../kernel/errors.ts";
import { silentLog } from "../kernel/log.ts";
import type { Catalog } from "./catalog.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import { openCatalog } from "./sqlite-catalog.ts";

const nowMs = 1_800_000_000_000;
const clock: Clock = { ...systemClock, wallMs: () => nowMs as WallMs };
const live = { isBackfill: false };

let folder: string;
let path: string;
let catalog: Catalog;

const open = (at = path) => openCatalog({ path: at, log: silentLog, clock });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-catalog-"));
  path = join(folder, "catalog.db");
  catalog = await open();
});

afterEach(async () => {
  await catalog.close();
  await rm(folder, { recursive: true });
});

async function add(...drafts: readonly SegmentDraft[]): Promise<void> {
  await Promise.all(drafts.map((draft) => catalog.addSegment(finishedSegment(draft), ["bin", "wav", "json"], live)));
}

/** Reads with a connection of its own: sees what is committed, nothing else. */
function read(sql: string): unknown[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare(sql).all();
  } finally {
    reader.close();
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof StorageError && error.code === "CATALOG_UNREADABLE";
}

describe("openCatalog", () => {
  it("keeps what was added over a close", async () => {
    await add({ index: 0 }, { index: 1 });
    await catalog.close();
    catalog = await open();
    assert.deepEqual(await catalog.counts(), { devices: 1, sessions: 1, segments: 2 });
    assert.equal(catalog.uploads.counts().pending, 6);
  });

  it("leaves one file after a close", async () => {
    await add({});
    await catalog.close();
    await assert.rejects(stat(`${path}-wal`), { code: "ENOENT" });
    await assert.rejects(stat(`${path}-shm`), { code: "ENOENT" });
  });

  it("finds every committed row after a kill, from the database and its log as they lie there", async () => {
    await add({ index: 0 }, { index: 1, hwid: "mic-1" });
    catalog.uploads.claim(2, nowMs);
    const copy = join(folder, "copy.db");
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`);
    const reopened = await open(copy);
    assert.deepEqual(await reopened.counts(), { devices: 1, sessions: 1, segments: 2 });
    assert.equal(reopened.uploads.counts().uploading, 2);
    reopened.uploads.resetInterrupted();
    assert.equal(reopened.uploads.counts().pending, 6);
    await reopened.close();
  });

  it("makes the folder of the file", async () => {
    const deep = await open(join(folder, "not", "yet", "catalog.db"));
    await deep.close();
  });

  it("refuses a file that is no database, one that is cut short, and one of another program", async () => {
    const text = join(folder, "text.db");
    await writeFile(text, "these are no pages of a database, only words; ".repeat(100));
    await assert.rejects(open(text), isUnreadable);

    await add({});
    await catalog.close();
    const cut = join(folder, "cut.db");
    await copyFile(path, cut);
    await truncate(cut, 5000);
    await assert.rejects(open(cut), isUnreadable);

    const foreign = join(folder, "foreign.db");
    const other = new Database(foreign);
    other.exec("CREATE TABLE songs (title)");
    other.close();
    await assert.rejects(open(foreign), /another program.*application id is 0/);
  });

  it("refuses a catalogue of a later version, and says so", async () => {
    await catalog.close();
    const later = new Database(path);
    later.exec("INSERT INTO kysely_migration VALUES ('999-later', '2030-01-01')");
    later.close();
    await assert.rejects(open(), (error) => isUnreadable(error) && /not made by this version/.test(String(error)));
  });
});

describe("Catalog.addSegment", () => {
  it("keeps every fact of the sidecar", async () => {
    await add({
      index: 2,
      sidecar: {
        recovered: true,
        gaps: [
          { from_seq: 9, to_seq: 9, start_sample: 16_000, samples: 0, estimated: true, cause: "device-dropped" },
          { from_seq: 9, to_seq: 11, start_sample: 16_000, samples: 640, estimated: false, cause: "not-received" },
        ],
      },
    });
    const { sidecar, sidecarSha256 } = finishedSegment({ index: 2 });
    assert.deepEqual(read("SELECT * FROM segments"), [
      {
        id: 1,
        session: "s1",
        idx: 2,
        hwid: "mic-1",
        stream_id: 7,
        name: "stream_7_mic-1_20260101_s1-2",
        folder: "mic-1",
        start_ms: sessionStartMs + 20_000,
        end_ms: sessionStartMs + 30_000,
        start_sample: 320_000,
        samples: 160_000,
        wav_samples: 160_000,
        frames: 500,
        duplicates: 0,
        first_seq: 1000,
        last_seq: 1499,
        nibble_order: "low",
        nibble_source: "exact",
        gap_samples: 640,
        peak_dbfs: -3.5,
        rms_dbfs: -20.25,
        silent_share: 0.25,
        clipped_samples: 2,
        bin_bytes: 86_000,
        bin_sha256: sidecar.files.bin.sha256,
        wav_bytes: 320_800,
        wav_sha256: sidecar.files.wav?.sha256,
        json_bytes: 1500,
        json_sha256: sidecarSha256,
        recovered: 1,
        close_reason: "rotation",
        is_stored: 0,
        evicted_ms: null,
        acked: 0,
        drift_ppm: null,
        dropped_duplicates: 0,
        dc_offset: 0,
        upload_state: 2,
        clock_ahead_ms: 0,
        kept_from_ms: sidecar.time.start_ms,
        has_overview: 1,
      },
    ]);
    assert.deepEqual(read("SELECT segment_id, idx, from_seq, to_seq, sample_count, cause, start_ms FROM gaps"), [
      {
        segment_id: 1,
        idx: 0,
        from_seq: 9,
        to_seq: 9,
        sample_count: 0,
        cause: "device-dropped",
        start_ms: sessionStartMs + 1000,
      },
      {
        segment_id: 1,
        idx: 1,
        from_seq: 9,
        to_seq: 11,
        sample_count: 640,
        cause: "not-received",
        start_ms: sessionStartMs + 1000,
      },
    ]);
    assert.deepEqual(
      read(`SELECT session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms, start_rule,
      device_start_ms, server_start_ms, ended_ms, acked, start_warning, last_active_ms FROM sessions`),
      [
        {
          session: "s1",
          hwid: "mic-1",
          stream_id: 7,
          codec: "adpcm",
          sample_rate_hz: 16_000,
          channels: 1,
          frame_samples: 320,
          start_ms: sessionStartMs,
          start_rule: "device-synced",
          device_start_ms: sessionStartMs,
          server_start_ms: sessionStartMs + 40.5,
          ended_ms: null,
          acked: 0,
          start_warning: null,
          last_active_ms: sessionStartMs + 30_040,
        },
      ],
    );
  });

  it("changes nothing when the same segment comes again, and updates it when it differs", async () => {
    const gap = {
      from_seq: 9,
      to_seq: 11,
      start_sample: 0,
      samples: 640,
      estimated: false,
      cause: "not-received",
    } as const;
    await add({ sidecar: { gaps: [gap] } });
    const before = ["devices", "sessions", "segments", "gaps", "anchors", "uploads"].map((table) =>
      read(`SELECT * FROM ${table}`),
    );
    await add({ sidecar: { gaps: [gap] } });
    const after = ["devices", "sessions", "segments", "gaps", "anchors", "uploads"].map((table) =>
      read(`SELECT * FROM ${table}`),
    );
    assert.deepEqual(after, before);

    await add({ sidecar: { frames: 498, gaps: [] } });
    assert.deepEqual(read("SELECT id, frames, gap_samples FROM segments"), [{ id: 1, frames: 498, gap_samples: 0 }]);
    assert.deepEqual(read("SELECT * FROM gaps"), []);
  });

  it("queues a WAV only where the segment has one", async () => {
    await add({ hasWav: false });
    assert.deepEqual(read("SELECT kind FROM uploads"), [{ kind: "bin" }, { kind: "json" }]);
  });

  it("forgets the upload of a WAV that is gone", async () => {
    await add({});
    await add({ hasWav: false });
    assert.deepEqual(read("SELECT kind FROM uploads ORDER BY kind"), [{ kind: "bin" }, { kind: "json" }]);
    assert.equal(catalog.uploads.counts().pending, 2);
  });

  it("takes up segments of devices without an id", async () => {
    await add({ hwid: null });
    assert.deepEqual(await catalog.counts(), { devices: 0, sessions: 1, segments: 1 });
    assert.equal(catalog.uploads.claim(1, nowMs)[0]?.hwid, null);
  });

  it("commits the writes of a window together, and those of a full batch at once", async () => {
    const waiting = add({ index: 0 }, { index: 1 });
    assert.deepEqual(read("SELECT id FROM segments"), []);
    await waiting;
    assert.equal(read("SELECT id FROM segments").length, 2);

    const full = add(...Array.from({ length: 200 }, (_, index) => ({ session: "s2", index })));
    assert.equal(read("SELECT id FROM segments").length, 202);
    await full;
  });

  it("takes up 5 000 segments that come at once", async () => {
    await add(...Array.from({ length: 5000 }, (_, n) => ({ session: `s${n % 50}`, index: Math.floor(n / 50) })));
    assert.deepEqual(await catalog.counts(), { devices: 1, sessions: 50, segments: 5000 });
    assert.equal(catalog.uploads.counts().pending, 15_000);
  });

  it("rejects a segment that the database refuses, and spares those beside it", async () => {
    const stolenName = finishedSegment({ index: 0 }).sidecar.name;
    const outcomes = await Promise.allSettled([
      add({ index: 0 }),
      add({ session: "s2", sidecar: { name: stolenName } }),
      add({ index: 1 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(await catalog.counts(), { devices: 1, sessions: 1, segments: 2 });
  });
});

describe("Catalog.deviceProfiles", () => {
  it("tells the newest verdict of a device's own frames, in whatever order segments come [P-1.5]", async () => {
    await add({ index: 5, sidecar: { nibble_order: { order: "low", source: "cached" } } });
    assert.deepEqual(await catalog.deviceProfiles(), []);
    await add({ index: 1, sidecar: { nibble_order: { order: "low", source: "statistical" } } });
    await add({ index: 3, sidecar: { nibble_order: { order: "high", source: "exact" } } });
    await add({ index: 2, sidecar: { nibble_order: { order: "low", source: "exact" } } });
    await add({ index: 4, hwid: "pcm", session: "s2", sidecar: { nibble_order: null } });
    assert.deepEqual(await catalog.deviceProfiles(), [{ hwid: "mic-1", nibbleOrder: "high", nibbleSource: "exact" }]);
    assert.deepEqual(read("SELECT first_seen_ms, last_seen_ms FROM devices WHERE hwid = 'mic-1'"), [
      { first_seen_ms: sessionStartMs + 10_060, last_seen_ms: sessionStartMs + 60_040 },
    ]);
  });
});

describe("Catalog.nibbleOrderOfSession", () => {
  it("tells the verdict of the latest segment before that was decided by its own frames [P-1.5]", async () => {
    await add(
      { index: 0, sidecar: { nibble_order: { order: "low", source: "default" } } },
      { index: 1, sidecar: { nibble_order: { order: "high", source: "statistical" } } },
      { index: 2, sidecar: { nibble_order: { order: "low", source: "cached" } } },
      { index: 3, sidecar: { nibble_order: { order: "low", source: "exact" } } },
    );
    assert.equal(await catalog.nibbleOrderOfSession("s1", 1), undefined);
    assert.deepEqual(await catalog.nibbleOrderOfSession("s1", 2), { order: "high", source: "statistical" });
    assert.deepEqual(await catalog.nibbleOrderOfSession("s1", 3), { order: "high", source: "statistical" });
    assert.deepEqual(await catalog.nibbleOrderOfSession("s1", 4), { order: "low", source: "exact" });
    assert.equal(await catalog.nibbleOrderOfSession("s2", 4), undefined);
  });
});

describe("Catalog.segments", () => {
  it("lists by time, page by page, of one device or session or all", async () => {
    await add({ index: 2 }, { index: 0 }, { index: 1 }, { hwid: "mic-2", session: "s2", index: 0 });
    const names = async (filter: Parameters<Catalog["segments"]>[0]) =>
      (await catalog.segments(filter)).map(({ session, index }) => `${session}-${index}`);
    assert.deepEqual(await names({ limit: 9 }), ["s1-0", "s2-0", "s1-1", "s1-2"]);
    assert.deepEqual(await names({ hwid: "mic-2", limit: 9 }), ["s2-0"]);
    assert.deepEqual(await names({ session: "s1", limit: 2 }), ["s1-0", "s1-1"]);
    const [, last] = await catalog.segments({ limit: 2 });
    assert.deepEqual(await names({ limit: 2, after: last! }), ["s1-1", "s1-2"]);
  });

  it("tells what a list shows", async () => {
    await add({});
    assert.deepEqual(await catalog.segments({ limit: 1 }), [
      {
        id: 1,
        session: "s1",
        index: 0,
        hwid: "mic-1",
        streamId: 7,
        name: "stream_7_mic-1_20260101_s1-0",
        folder: "mic-1",
        startMs: sessionStartMs,
        endMs: sessionStartMs + 10_000,
        sampleCount: 160_000,
        gapSampleCount: 0,
        peakDbfs: -3.5,
        evictedMs: null,
      },
    ]);
  });
});

describe("Catalog.close", () => {
  it("commits what waits, once, and refuses what comes after", async () => {
    const waiting = add({});
    const closing = catalog.close();
    assert.equal(catalog.close(), closing);
    await waiting;
    await closing;
    assert.equal(read("SELECT id FROM segments").length, 1);
    await assert.rejects(add({ index: 1 }), { code: "SHUTTING_DOWN" });
    await assert.rejects(catalog.counts(), { code: "SHUTTING_DOWN" });
  });
});
