import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { finishedSegment } from "./catalog/finished-segment.test-support.ts";
import { loadSettings } from "./config/load-settings.ts";
import { Eventing } from "./eventing.ts";
import { TestCatalog } from "./events/open-event-log.test-support.ts";
import { MemoryLog } from "./kernel/memory-log.test-support.ts";

describe("Eventing", () => {
  let store: TestCatalog;
  let eventing: Eventing;

  beforeEach(async () => {
    store = await TestCatalog.open();
    const { catalog, clock } = store;
    const settings = loadSettings({ coreCount: 1, flags: { "run-on-segment": "true" } }).settings.events;
    const log = new MemoryLog();
    eventing = await Eventing.open({
      ...{ settings, catalog, clock, log, environment: {} },
      receivedPath: "/received",
      version: "1",
    });
  });
  afterEach(async () => {
    await eventing.close(0);
    await store[Symbol.asyncDispose]();
  });

  const read = async (type: "storage.low" | "health.changed") => {
    await eventing.close(0);
    return store.catalog.events.read({ afterId: 0, limit: 9, types: [type] });
  };

  it("writes what the disk came to", async () => {
    eventing.takeDisk({ state: "soft", freeBytes: 5, totalBytes: 9, headroomHours: 1.5 });
    eventing.takeDisk({ state: "ok", freeBytes: 8, totalBytes: 9 });
    const events = await read("storage.low");
    assert.deepEqual(
      events.map(({ hwid, data }) => [hwid, data]),
      [
        [null, { state: "soft", free_bytes: 5, total_bytes: 9, headroom_hours: 1.5 }],
        [null, { state: "ok", free_bytes: 8, total_bytes: 9, headroom_hours: null }],
      ],
    );
  });

  it("learns from the catalogue what is usual for a device", async () => {
    // Of the hour before and of days ago: the fixture's level is -20.25 dBFS.
    for (let index = 0; index < 6 * 360; index += 3)
      void store.catalog.addSegment(finishedSegment({ index, hwid: "mic-1" }), [], { isBackfill: false });
    store.clock.nowMs += 7 * 3_600_000;
    const levels = { peak_dbfs: -50, rms_dbfs: -60, clipped_samples: 0, silent_share: 0, dc_offset: 0 };
    const quiet = (index: number) => finishedSegment({ index: 7 * 360 + index, hwid: "mic-1", sidecar: { levels } });
    await store.catalog.addSegment(quiet(0), [], { isBackfill: false });
    eventing.takeSegment(quiet(0));
    // An hour is looked up in each turn, of eight; what is asked now comes behind what was asked.
    for (let look = 0; look < 80; look += 1) {
      await nextTurn();
      await store.catalog.reader.device("mic-1");
    }
    for (let index = 1; index < 14; index += 1) eventing.takeSegment(quiet(index));
    const [event] = await read("health.changed");
    assert.deepEqual(event?.data["conditions"], ["far-below-baseline"]);
  });

  it("says to the queue who gets events", async () => {
    assert.deepEqual(
      store.catalog.deliveries.counts().map(({ target }) => target),
      ["run-on-segment"],
    );
  });
});
