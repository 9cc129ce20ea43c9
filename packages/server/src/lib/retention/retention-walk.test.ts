import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Catalog } from "../catalog/catalog.ts";
import { finishedSegment, sessionStartMs } from "../catalog/finished-segment.test-support.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import { systemClock } from "../kernel/clock.ts";
import { segmentFileKinds } from "../kernel/finished-segment.ts";
import { silentLog } from "../kernel/log.ts";
import { PinRanges } from "./pin-ranges.ts";
import { createRetentionPolicy, type RetentionLimits } from "./retention-policy.ts";
import { RetentionWalk, type RetentionWalkOptions } from "./retention-walk.ts";

const dayMs = 86_400_000;
/** `.bin` and `.wav` of a segment, which takes 10 s. */
const bytes = 86_000 + 320_800;
const gigabytes = (segmentCount: number) => (segmentCount * bytes) / 1e9;

describe("RetentionWalk", () => {
  let folder: string;
  let catalog: Catalog;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-walk-"));
    catalog = await openCatalog({ path: join(folder, "catalog.db"), log: silentLog, clock: systemClock });
  });
  afterEach(async () => {
    await catalog.close();
    await rm(folder, { recursive: true });
  });

  async function add(hwid: string | null, count: number, isStored = false): Promise<void> {
    const options = { isBackfill: false };
    const kinds = isStored ? segmentFileKinds : [];
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        catalog.addSegment(finishedSegment({ hwid, session: `s-${hwid}`, index }), kinds, options),
      ),
    );
    for (const { id } of catalog.uploads.claim(10_000, Date.now()))
      catalog.uploads.markStored([{ id, key: "k", etag: "e", storedMs: 5 }]);
  }

  /** Decisions as `{hwid} {index} {outcome}: {reason}`. */
  async function decide(
    limits: RetentionLimits,
    {
      devices = {},
      ...options
    }: Partial<RetentionWalkOptions> & { readonly devices?: Readonly<Record<string, RetentionLimits>> } = {},
  ): Promise<readonly string[]> {
    const walk = new RetentionWalk({
      queue: catalog.retention,
      policy: createRetentionPolicy(
        { retentionMaxAgeD: 0, retentionMaxGb: 0, ...limits },
        new Map(Object.entries(devices)),
      ),
      pins: new PinRanges([]),
      isUploading: false,
      // The first two segments of each session are more than a day old.
      nowMs: sessionStartMs + dayMs + 20_000,
      ...options,
    });
    const decisions: string[] = [];
    for await (const page of walk.pages()) {
      for (const { segment, outcome, reason } of page) {
        const index = segment.name.slice(segment.name.lastIndexOf("-") + 1);
        decisions.push(`${segment.hwid} ${index} ${outcome}: ${reason}`);
      }
    }
    return decisions;
  }

  it("decides nothing without quotas", async () => {
    await add("a", 3);
    assert.deepEqual(await decide({}), []);
  });

  it("deletes what is past its age, and evicts where it is stored elsewhere", async () => {
    await add("a", 3, true);
    await add(null, 3);
    assert.deepEqual(await decide({ retentionMaxAgeD: 1 }), [
      "null 0 delete: older than 1 day",
      "null 1 delete: older than 1 day",
      "a 0 evict: older than 1 day",
      "a 1 evict: older than 1 day",
    ]);
  });

  it("lets wait what is to be uploaded yet", async () => {
    await add("a", 2);
    assert.deepEqual(await decide({ retentionMaxAgeD: 1 }, { isUploading: true }), [
      "a 0 waiting: older than 1 day",
      "a 1 waiting: older than 1 day",
    ]);
  });

  it("lets wait what was queued for upload, also while uploads are off, unless somebody insists", async () => {
    await add("b", 1);
    await catalog.addSegment(finishedSegment({ hwid: "a", session: "s-a" }), segmentFileKinds, { isBackfill: false });
    const aged = { retentionMaxAgeD: 1 };
    const older = "older than 1 day";
    assert.deepEqual(await decide(aged), [`b 0 delete: ${older}`, `a 0 waiting: ${older}`].toSorted());
    assert.deepEqual(await decide(aged, { deleteQueued: true }), [`a 0 delete: ${older}`, `b 0 delete: ${older}`]);
    const both = { isUploading: true, deleteQueued: true };
    assert.deepEqual(await decide(aged, both), [`a 0 waiting: ${older}`, `b 0 waiting: ${older}`]);
  });

  it("goes by the server's clock where the device's was not believed", async () => {
    const daysLater = 400 * dayMs;
    for (let index = 0; index < 3; index += 1) {
      const { sidecar } = finishedSegment({ index });
      // Sent 400 days after what the device takes for today.
      const time = { ...sidecar.time, rule: "device-unverified", server_start_ms: sessionStartMs + daysLater } as const;
      const segment = finishedSegment({ hwid: "wrong", session: "w", index, sidecar: { time } });
      await catalog.addSegment(segment, [], { isBackfill: false });
    }
    await add("right", 3);
    const limits = { retentionMaxAgeD: 30 };
    const nowMs = sessionStartMs + daysLater + 60_000;
    const all = ["0", "1", "2"].map((index) => `right ${index} delete: older than 30 days`);
    assert.deepEqual(await decide(limits, { nowMs }), all);
    const aged = ["0", "1"].map((index) => `wrong ${index} delete: older than 30 days`);
    assert.deepEqual(await decide(limits, { nowMs: sessionStartMs + daysLater + 30 * dayMs + 20_000 }), [
      ...all,
      ...aged,
    ]);
    // A size takes the oldest recordings, not those of the device that says the oldest time.
    const sized = await decide({ retentionMaxGb: gigabytes(2) }, { nowMs });
    assert.deepEqual(
      sized.map((line) => line.slice(0, line.indexOf(":"))),
      ["right 0 delete", "right 1 delete", "right 2 delete", "wrong 0 delete"],
    );
  });

  it("goes by a device's own age", async () => {
    await add("a", 2);
    await add("b", 2);
    const devices = { a: { retentionMaxAgeD: 0 }, b: { retentionMaxAgeD: 1.0001 } };
    assert.deepEqual(await decide({ retentionMaxAgeD: 1 }, { devices }), ["b 0 delete: older than 1 day"]);
  });

  it("takes the oldest of a device that is past its size, no more than needed", async () => {
    await add("a", 4);
    await add("b", 4);
    const devices = { a: { retentionMaxGb: gigabytes(2.5) } };
    assert.deepEqual(await decide({}, { devices }), [
      "a 0 delete: more than 1.017 MB of the device",
      "a 1 delete: more than 1.017 MB of the device",
    ]);
  });

  it("takes what is stored elsewhere first, however new", async () => {
    await add("old", 2);
    await add("new", 3, true);
    const decisions = await decide({ retentionMaxGb: gigabytes(1) });
    assert.deepEqual(
      decisions.map((line) => line.slice(0, line.indexOf(":"))),
      ["new 0 evict", "new 1 evict", "new 2 evict", "old 0 delete"],
    );
  });

  it("counts what age and device have freed already for the size of all, and decides nothing twice", async () => {
    await add("a", 4);
    await add("b", 4);
    const limits = { retentionMaxAgeD: 1, retentionMaxGb: gigabytes(2) };
    const devices = { b: { retentionMaxAgeD: 0, retentionMaxGb: gigabytes(3) } };
    const decisions = await decide(limits, { devices });
    assert.deepEqual(
      decisions.map((line) => line.replace(/ than .* (day|all|device)$/, " $1")),
      [
        ...["a 0 delete: older day", "a 1 delete: older day", "b 0 delete: more device"],
        ...["b 1 delete: more all", "a 2 delete: more all", "b 2 delete: more all"],
      ],
    );
  });

  it("passes over pinned ranges and goes on behind them", async () => {
    await add("a", 4);
    const pins = new PinRanges([{ hwid: "a", fromMs: sessionStartMs + 5000, toMs: sessionStartMs + 10_001 }]);
    const devices = { a: { retentionMaxGb: gigabytes(3) } };
    const decisions = await decide({}, { devices, pins });
    assert.deepEqual(
      decisions.map((line) => line.slice(0, line.indexOf(":"))),
      ["a 0 pinned", "a 1 pinned", "a 2 delete"],
    );
  });

  it("walks over many pages, whether what it decides is done meanwhile or not", async () => {
    await add("a", 1203, true);
    const options = {
      ...{ queue: catalog.retention, pins: new PinRanges([]), isUploading: true, nowMs: sessionStartMs + 30 * dayMs },
      policy: createRetentionPolicy({ retentionMaxAgeD: 1, retentionMaxGb: 0 }, new Map()),
    };
    const planned: number[] = [];
    for await (const page of new RetentionWalk(options).pages()) planned.push(...page.map(({ segment }) => segment.id));
    const done: number[] = [];
    for await (const page of new RetentionWalk(options).pages()) {
      done.push(...page.map(({ segment }) => segment.id));
      await catalog.markEvicted(
        page.map(({ segment }) => segment.id),
        5,
      );
    }
    assert.equal(planned.length, 1203);
    assert.deepEqual(done, planned);
  });
});
