import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Catalog } from "../catalog/catalog.ts";
import { finishedSegment, sessionStartMs } from "../catalog/finished-segment.test-support.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import { type Clock, type MonotonicMs, systemClock, type WallMs } from "../kernel/clock.ts";
import { segmentFileKinds } from "../kernel/finished-segment.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { LocalEviction } from "./local-eviction.ts";
import { Retention, type RetentionOptions, retentionRefusal } from "./retention.ts";
import { createRetentionPolicy } from "./retention-policy.ts";
import type { RetentionReport } from "./retention-report.ts";
import { SegmentDeleter } from "./segment-deleter.ts";

const dayMs = 86_400_000;
const bytes = 86_000 + 320_800;
const older = "older than 1 day";

/** A day after the start of every session, and so much more. */
function clockAt(afterDayMs: number): Clock {
  const wallMs = (sessionStartMs + dayMs + afterDayMs) as WallMs;
  return { wallMs: () => wallMs, monotonicMs: () => 0 as MonotonicMs };
}

describe("Retention", () => {
  let folder: string;
  let receivedPath: string;
  let catalog: Catalog;
  let log: MemoryLog;
  let deleter: SegmentDeleter;
  let eviction: LocalEviction;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-retention-"));
    receivedPath = join(folder, "received");
    log = new MemoryLog();
    catalog = await openCatalog({ path: join(folder, "catalog.db"), log, clock: systemClock });
    const { annotations } = catalog;
    const places = { receivedPath, overviewPath: join(folder, "overview") };
    deleter = new SegmentDeleter({ ...places, annotations, objects: undefined, log, clock: systemClock });
    eviction = new LocalEviction({ catalog, receivedPath, log, clock: systemClock });
  });
  afterEach(async () => {
    await deleter.close();
    await eviction.close();
    await catalog.close();
    await rm(folder, { recursive: true });
  });

  async function add(hwid: string, count: number, { isStored = false, hasFiles = true } = {}): Promise<void> {
    await mkdir(join(receivedPath, hwid), { recursive: true });
    const adding = Array.from({ length: count }, async (_, index) => {
      const segment = finishedSegment({ hwid, session: `s${hwid}`, index });
      const base = join(receivedPath, segment.folder, segment.sidecar.name);
      if (hasFiles) for (const kind of segmentFileKinds) await writeFile(`${base}.${kind}`, kind);
      await catalog.addSegment(segment, isStored ? segmentFileKinds : [], { isBackfill: false });
    });
    await Promise.all(adding);
    for (const { id } of catalog.uploads.claim(10_000, Date.now()))
      catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: 5 }]);
  }

  function createRetention(change: Partial<RetentionOptions> = {}): Retention {
    return new Retention({
      ...{ queue: catalog.retention, annotations: catalog.annotations, eviction, log, clock: clockAt(20_000) },
      onDeleted: () => deleter.notify(),
      policy: createRetentionPolicy({ retentionMaxAgeD: 1, retentionMaxGb: 0 }, new Map()),
      isUploading: false,
      intervalMs: 60_000,
      ...change,
    });
  }

  /** `{hwid} {outcome} {segments}: {reason}` */
  function linesOf({ devices }: RetentionReport): readonly string[] {
    return devices.flatMap(({ hwid, entries }) =>
      entries.map(({ outcome, segmentCount, reason }) => `${hwid} ${outcome} ${segmentCount}: ${reason}`),
    );
  }

  async function localFiles(): Promise<readonly string[]> {
    await deleter.settled();
    const names = await readdir(receivedPath, { recursive: true });
    return names.flatMap((name) => /([a-z]+)-(\d+\.\w+)$/.exec(name)?.slice(1).join("-") ?? []).sort();
  }

  it("evicts what is stored and deletes what is not, by an event with the reason [S-2.5]", async () => {
    await add("a", 3, { isStored: true });
    await add("b", 3);
    const retention = createRetention();
    const plan = await retention.plan();
    assert.deepEqual(linesOf(plan), [`a evict 2: ${older}`, `b delete 2: ${older}`]);
    assert.equal(plan.localBytes, 6 * bytes);
    assert.equal((await localFiles()).length, 18, "a plan changes nothing");

    assert.deepEqual(await retention.run(), plan);
    assert.deepEqual(await localFiles(), [
      ...["sa-0.json", "sa-1.json", "sa-2.bin", "sa-2.json", "sa-2.wav"],
      ...["sb-2.bin", "sb-2.json", "sb-2.wav"],
    ]);
    assert.deepEqual(await catalog.counts(), { devices: 2, sessions: 2, segments: 4 });
    const events = await catalog.events.read({ afterId: 0, limit: 9, types: ["segment.deleted"] });
    assert.deepEqual(
      events.map(({ hwid, data }) => [hwid, data["reason"]]),
      [
        ["b", `retention: ${older}`],
        ["b", `retention: ${older}`],
      ],
    );
    assert.deepEqual(await catalog.annotations.pendingDeletions(9), []);
    assert.deepEqual(linesOf(await retention.run()), []);
  });

  it("leaves what is not uploaded while uploads are on, and warns of it", async () => {
    await add("a", 2);
    const retention = createRetention({ isUploading: true });
    assert.deepEqual(linesOf(await retention.run()), [`a waiting 2: ${older}`]);
    assert.equal((await localFiles()).length, 6);
    assert.deepEqual(
      log.at("warn").map(({ message, fields }) => [message, fields["segments"]]),
      [["retention: past its quota, stays until it is uploaded, or its command has run", 2]],
    );
  });

  it("leaves pinned ranges, stored or not", async () => {
    await add("a", 2, { isStored: true });
    await add("b", 2);
    for (const hwid of ["a", "b"])
      await catalog.annotations.addPin({ hwid, fromMs: sessionStartMs, toMs: sessionStartMs + 5_000, note: "proof" });
    const lines = linesOf(await createRetention().run());
    assert.deepEqual(lines, [
      ...[`a pinned 1: ${older}`, `a evict 1: ${older}`],
      ...[`b pinned 1: ${older}`, `b delete 1: ${older}`],
    ]);
    assert.deepEqual(await localFiles(), [
      ...["sa-0.bin", "sa-0.json", "sa-0.wav", "sa-1.json"],
      ...["sb-0.bin", "sb-0.json", "sb-0.wav"],
    ]);
  });

  it("refuses to delete more than half, goes on with the rest, and does it when somebody insists", async () => {
    await add("a", 150, { hasFiles: false });
    await add("b", 400, { hasFiles: false });
    await add("c", 2, { isStored: true });
    // All of a, a quarter of b.
    const devices = new Map([["b", { retentionMaxAgeD: 1 + 500_000 / dayMs }]]);
    const policy = createRetentionPolicy({ retentionMaxAgeD: 1, retentionMaxGb: 0 }, devices);
    const retention = createRetention({ policy, clock: clockAt(1_500_000) });
    const plan = await retention.plan();
    assert.deepEqual(plan.refusals, ["150 of 150 segments of a"]);
    const report = await retention.run();
    assert.deepEqual(report.refusals, plan.refusals);
    assert.deepEqual(
      linesOf(report).map((line) => line.slice(0, line.indexOf(":"))),
      ["a refused 150", "b delete 100", "c evict 2"],
    );
    const { code, message, row } = retentionRefusal(plan.refusals);
    assert.deepEqual(
      log.at("error").map(({ fields }) => fields),
      [{ code, reason: message, fix: row.fix }],
    );
    const insisted = await retention.run({ allowMost: true });
    assert.deepEqual([insisted.refusals, linesOf(insisted)], [[], [`a delete 150: ${older}`]]);
  });

  it("counts what the runs before have deleted within a day, and begins anew when somebody insists", async () => {
    await add("a", 150, { hasFiles: false });
    let nowMs = sessionStartMs + dayMs + 600_000;
    let upMs = 0;
    const clock: Clock = { wallMs: () => nowMs as WallMs, monotonicMs: () => upMs as MonotonicMs };
    const retention = createRetention({ clock });
    const step = async (byMs: number, run = {}) => {
      nowMs += byMs;
      upMs += byMs;
      const lines = linesOf(await retention.run(run));
      return lines.map((line) => line.slice(0, line.indexOf(":")));
    };
    assert.deepEqual(await step(0), ["a delete 60"]);
    assert.deepEqual(await step(390_000), ["a delete 39"], "99 in all");
    assert.deepEqual(await step(60_000), ["a refused 6"]);
    assert.deepEqual(await step(0, { allowMost: true }), ["a delete 6"]);
    assert.deepEqual(await step(60_000), ["a delete 6"], "what somebody insisted on does not count");
    assert.deepEqual(await step(dayMs), ["a delete 39"], "nor what went more than a day ago");
  });

  it("runs at the start where there is a quota", async () => {
    await add("a", 3);
    const { promise: deleted, resolve } = Promise.withResolvers<void>();
    const retention = createRetention({ onDeleted: resolve });
    retention.start();
    await deleted;
    await retention.close();
    assert.deepEqual(await catalog.counts(), { devices: 1, sessions: 1, segments: 1 });
  });

  it("does nothing any more once it is closed", async () => {
    await add("a", 3);
    const retention = createRetention();
    await retention.close();
    await retention.close();
    assert.deepEqual(linesOf(await retention.run()), []);
    assert.equal((await catalog.counts()).segments, 3);
  });
});
