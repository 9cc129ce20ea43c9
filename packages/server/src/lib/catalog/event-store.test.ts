import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import type { NewEvent } from "../kernel/server-event.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { Catalog } from "./catalog.ts";
import { closeCatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { EventStore } from "./event-store.ts";
import { finishedSegment, sessionStartMs } from "./finished-segment.test-support.ts";
import { openCatalog } from "./sqlite-catalog.ts";

const nowMs = 1_800_000_000_000;
let wallMs = nowMs;
const clock: Clock = { ...systemClock, wallMs: () => wallMs as WallMs };
const live = { isBackfill: false };

let folder: string;
let path: string;
let catalog: Catalog;

const open = () => openCatalog({ path, log: silentLog, clock });

beforeEach(async () => {
  wallMs = nowMs;
  folder = await mkdtemp(join(tmpdir(), "eet-events-"));
  path = join(folder, "catalog.db");
  catalog = await open();
});

afterEach(async () => {
  await catalog.close();
  await rm(folder, { recursive: true });
});

const readAll = () => catalog.events.read({ afterId: 0, limit: 10_000 });
const types = async () => (await readAll()).map(({ type }) => type);
const online = (hwid: string): NewEvent => ({ type: "device.online", hwid, data: { remote: "10.0.0.1" } });

function gaps(count: number): Sidecar["gaps"] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ from_seq: 2 * at + 1, to_seq: 2 * at + 2, start_sample: 640 * at + 320, samples: 320 },
    ...({ estimated: false, cause: "not-received" } as const),
  }));
}

describe("EventLog", () => {
  it("tells of a new session and its segment in the order in which they came to be", async () => {
    await catalog.addSegment(finishedSegment({ sidecar: { gaps: gaps(1) } }), ["bin"], live);
    const events = await readAll();
    assert.deepEqual(
      events.map(({ type }) => type),
      ["session.started", "segment.closed", "gap.detected"],
    );
    const { sidecar, sidecarSha256 } = finishedSegment();
    assert.deepEqual(events[1], {
      id: nowMs + 2,
      type: "segment.closed",
      time: new Date(nowMs).toISOString(),
      hwid: "mic-1",
      data: {
        ...{ segment_id: 1, name: sidecar.name, folder: "mic-1", session: "s1", index: 0, stream_id: 7 },
        ...{ start_time: "2026-01-01T00:00:00.000Z", end_time: "2026-01-01T00:00:10.000Z" },
        ...{ start_sample: 0, samples: 160_000, sample_rate_hz: 16_000, channels: 1, codec: "adpcm" },
        ...{ gaps: 1, gap_samples: 320, drift_ppm: null },
        levels: { peak_dbfs: -3.5, rms_dbfs: -20.25, clipped_samples: 2, silent_share: 0.25, dc_offset: 0 },
        files: { ...sidecar.files, json: { bytes: 1500, sha256: sidecarSha256 } },
        ...{ recovered: false, close_reason: "rotation" },
      },
    });
    assert.deepEqual(events[2]?.data, {
      ...{ segment_id: 1, name: sidecar.name, folder: "mic-1", session: "s1", index: 0, stream_id: 7 },
      ...{ start_time: "2026-01-01T00:00:00.020Z", duration_ms: 20, start_sample: 320, samples: 320 },
      ...{ from_seq: 1, to_seq: 2, cause: "not-received", recovered: false },
    });
    assert.equal(events[0]?.data["start_time"], new Date(sessionStartMs).toISOString());
  });

  it("tells of a segment once, whatever is derived again and however often the catalogue is opened", async () => {
    await catalog.addSegment(finishedSegment({ sidecar: { gaps: gaps(2) } }), ["bin"], live);
    const before = await readAll();
    await catalog.addSegment(finishedSegment({ content: "b", sidecar: { gaps: gaps(3) } }), ["bin"], live);
    await catalog.close();
    catalog = await open();
    await catalog.addSegment(finishedSegment({ sidecar: { gaps: gaps(2) } }), ["bin"], { isBackfill: true });
    assert.deepEqual(await readAll(), before);
  });

  it("tells of a segment once, wherever a kill comes between", async () => {
    catalog.deliveries.setTargets([{ target: "hook", types: ["segment.closed"] }]);
    const copies: string[] = [];
    const copy = async () => {
      const to = join(folder, `copy-${copies.length}.db`);
      for (const ending of ["", "-wal"]) await copyFile(`${path}${ending}`, `${to}${ending}`);
      copies.push(to);
    };
    await copy();
    const added = catalog.addSegment(finishedSegment(), ["bin"], live);
    await copy();
    await added;
    await copy();
    for (const to of copies) {
      const reopened = await openCatalog({ path: to, log: silentLog, clock });
      await reopened.addSegment(finishedSegment(), ["bin"], { isBackfill: true });
      const told = (await reopened.events.read({ afterId: 0, limit: 9 })).map(({ type }) => type);
      assert.deepEqual(told, ["session.started", "segment.closed"]);
      assert.equal(reopened.deliveries.claim("hook", 9, nowMs).length, 1);
      await reopened.close();
    }
  });

  it("says which segments were recovered or found later", async () => {
    await catalog.addSegment(finishedSegment(), [], { isBackfill: true });
    await catalog.addSegment(finishedSegment({ index: 1, sidecar: { recovered: true } }), [], live);
    await catalog.addSegment(finishedSegment({ index: 2 }), [], live);
    const closed = (await readAll()).filter(({ type }) => type === "segment.closed");
    assert.deepEqual(
      closed.map(({ data }) => data["recovered"]),
      [true, true, false],
    );
  });

  it("tells of 100 gaps of a segment and of how many more there are", async () => {
    await catalog.addSegment(finishedSegment({ sidecar: { gaps: gaps(103) } }), [], live);
    const told = (await readAll()).filter(({ type }) => type === "gap.detected");
    assert.equal(told.length, 101);
    assert.deepEqual([told[100]?.data["more"], told[100]?.data["samples"]], [3, 960]);
  });

  it("tells of a segment as stored when its last upload is, and again when other bytes are", async () => {
    await catalog.addSegment(finishedSegment(), ["bin", "json"], live);
    const store = () => {
      for (const { id, fileName } of catalog.uploads.claim(9, nowMs)) {
        catalog.uploads.markStored([{ id, key: `r/${fileName}`, etag: "e", storedMs: nowMs }]);
      }
    };
    const [first] = catalog.uploads.claim(1, nowMs);
    catalog.uploads.markStored([{ id: first!.id, key: "k", etag: "e", storedMs: nowMs }]);
    assert.deepEqual(await types(), ["session.started", "segment.closed"]);
    store();
    const stored = (await readAll()).at(-1);
    assert.equal(stored?.type, "segment.stored");
    const { files, name } = finishedSegment().sidecar;
    assert.deepEqual(stored?.data["objects"], {
      bin: { key: "k", ...files.bin },
      json: { key: `r/${name}.json`, bytes: 1500, sha256: finishedSegment().sidecarSha256 },
    });
    await catalog.addSegment(finishedSegment({ content: "b" }), ["bin", "json"], live);
    store();
    assert.deepEqual((await types()).slice(2), ["segment.stored", "segment.stored"]);
  });

  it("tells that a session ended or goes on when that changes something", async () => {
    await catalog.endSession("s1", 5);
    await catalog.resumeSession("s1");
    assert.deepEqual(await types(), []);
    await catalog.addSegment(finishedSegment({ sidecar: { acked: true } }), [], live);
    await catalog.endSession("s1", 5);
    await catalog.endSession("s1", 7);
    await catalog.resumeSession("s1");
    await catalog.resumeSession("s1");
    const last = { acked: true, close_reason: "disconnected" } as const;
    await catalog.addSegment(finishedSegment({ index: 1, sidecar: last }), [], live);
    await catalog.endSession("s1", sessionStartMs + 99_000);
    assert.deepEqual(
      (await readAll()).slice(2).map(({ type, data }) => [type, data["ended_time"] ?? data["index"]]),
      [
        ["session.ended", "1970-01-01T00:00:00.005Z"],
        ["session.resumed", undefined],
        ["segment.closed", 1],
        ["session.ended", "2026-01-01T00:00:20.040Z"],
      ],
    );
  });

  it("does not end a resumed session for a segment that is derived again", async () => {
    const last = { acked: true, close_reason: "disconnected" } as const;
    await catalog.addSegment(finishedSegment({ sidecar: last }), [], live);
    await catalog.resumeSession("s1");
    await catalog.addSegment(finishedSegment({ content: "b", sidecar: last }), [], live);
    assert.deepEqual((await types()).at(-1), "session.resumed");
  });

  it("tells subscribers after the commit, whichever way events came", async () => {
    const told: number[] = [];
    const unsubscribe = catalog.events.subscribe((lastId) => told.push(lastId));
    const added = catalog.addSegment(finishedSegment(), ["bin", "json"], live);
    assert.deepEqual(told, []);
    await added;
    assert.deepEqual(told, [nowMs + 2]);
    await catalog.events.append([online("mic-1"), online("mic-2")]);
    for (const { id } of catalog.uploads.claim(9, nowMs)) {
      catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: nowMs }]);
    }
    assert.deepEqual(told, [nowMs + 2, nowMs + 4, nowMs + 5]);
    unsubscribe();
    await catalog.events.append([online("mic-1")]);
    assert.equal(told.length, 3);
    assert.equal(catalog.events.lastId, nowMs + 6);
  });

  it("tells nobody of what a power cut may take back, nor of what came behind it", async () => {
    const file = await openCatalogFile(join(folder, "other.db"));
    const events = new EventStore({ file, nowMs: () => nowMs, log: silentLog, write: async (write) => write() });
    const told: number[] = [];
    events.subscribe((lastId) => told.push(lastId));
    events.add(online("a"));
    events.hold(nowMs);
    const { heldId } = events;
    events.add(online("b"));
    events.hold(nowMs + 1);
    events.add(online("c"));
    events.tell();
    assert.deepEqual(told, []);
    events.release(heldId);
    assert.deepEqual(told, [nowMs + 1]);
    events.release(nowMs + 1);
    assert.deepEqual(told, [nowMs + 1, nowMs + 3]);
    closeCatalogFile(file);
  });

  it("goes on when a subscriber throws", async () => {
    const told: number[] = [];
    catalog.events.subscribe(() => {
      throw new Error("a bug");
    });
    catalog.events.subscribe((lastId) => told.push(lastId));
    await catalog.events.append([online("mic-1")]);
    assert.deepEqual(told, [nowMs + 1]);
  });

  it("reads by cursor, type and device", async () => {
    await catalog.events.append([online("a"), online("b"), { type: "storage.low", hwid: null, data: {} }, online("a")]);
    const read = async (filter: Partial<Parameters<typeof catalog.events.read>[0]>) =>
      (await catalog.events.read({ afterId: 0, limit: 9, ...filter })).map(({ id }) => id - nowMs);
    assert.deepEqual(await read({}), [1, 2, 3, 4]);
    assert.deepEqual(await read({ afterId: nowMs + 1, limit: 2 }), [2, 3]);
    assert.deepEqual(await read({ types: ["storage.low", "device.online"], limit: 3 }), [1, 2, 3]);
    assert.deepEqual(await read({ types: ["device.online"], afterId: nowMs + 1 }), [2, 4]);
    assert.deepEqual(await read({ hwid: "a" }), [1, 4]);
    assert.deepEqual(await read({ hwid: "a", afterId: nowMs + 1, types: ["device.online"] }), [4]);
    assert.deepEqual(await read({ hwid: "a", types: ["storage.low"] }), []);
  });

  it("prunes what is old, but nothing that a delivery waits for", async () => {
    catalog.deliveries.setTargets([{ target: "hook", types: ["storage.low"] }]);
    await catalog.events.append(Array.from({ length: 1500 }, () => online("a")));
    await catalog.events.append([{ type: "storage.low", hwid: null, data: {} }]);
    wallMs += 10;
    await catalog.events.append([online("b")]);
    assert.equal(await catalog.events.prune(nowMs), 0);
    assert.equal(await catalog.events.prune(nowMs + 5), 1500);
    assert.deepEqual(await types(), ["storage.low", "device.online"]);
    assert.equal(catalog.events.firstId, nowMs + 1501);
    const [delivery] = catalog.deliveries.claim("hook", 1, wallMs);
    catalog.deliveries.markFailed(delivery!.deliveryId, { reason: "410", nextTryMs: null });
    assert.equal(await catalog.events.prune(wallMs + 1), 2);
    assert.deepEqual(catalog.deliveries.deadLetters({ limit: 9 }), []);
    assert.equal(catalog.events.firstId, catalog.events.lastId + 1);
  });

  it("gives no id twice, though a power cut takes the newest events or the catalogue is lost", async () => {
    await catalog.events.append([online("a"), online("b")]);
    const seen = catalog.events.lastId;
    await catalog.close();
    wallMs += 60_000;
    catalog = await open();
    await catalog.events.append([online("c")]);
    assert.equal(catalog.events.lastId, nowMs + 60_001);
    await catalog.close();
    await rm(path);
    catalog = await open();
    await catalog.events.append([online("d")]);
    assert.ok(catalog.events.lastId > seen);
    await catalog.close();
    wallMs = nowMs - 1e9;
    catalog = await open();
    await catalog.events.append([online("e")]);
    assert.equal(catalog.events.lastId, nowMs + 60_002);
  });
});
