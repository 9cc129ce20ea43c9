import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Annotations } from "../catalog/annotations.ts";
import { finishedSegment } from "../catalog/finished-segment.test-support.ts";
import { TestCatalog } from "../events/open-event-log.test-support.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { type EarlierLevel, HealthMonitor } from "./health-monitor.ts";

const levels = { peak_dbfs: -12, rms_dbfs: -30, clipped_samples: 0, silent_share: 0, dc_offset: 0 };
const dead = { ...levels, peak_dbfs: -120, rms_dbfs: -120 };

describe("HealthMonitor", () => {
  let store: TestCatalog;
  let log: MemoryLog;
  let monitor: HealthMonitor;
  let index: number;
  let silentSinceMs: number | null | undefined;
  let earlier: readonly EarlierLevel[];

  beforeEach(async () => {
    store = await TestCatalog.open();
    log = new MemoryLog();
    index = 0;
    silentSinceMs = null;
    earlier = [];
    mock.timers.enable({ apis: ["setInterval"] });
    await open();
  });
  afterEach(async () => {
    await monitor.close();
    mock.timers.reset();
    await store[Symbol.asyncDispose]();
  });

  async function open(): Promise<void> {
    const { annotations } = store.catalog;
    const { clock } = store;
    const earlierLevels = async () => earlier;
    monitor = new HealthMonitor({ annotations, clock, log, silentSinceMs: () => silentSinceMs, earlierLevels });
    await monitor.open();
  }

  /** Segments one after the other, 10 s each. */
  function send(count: number, change: Partial<Sidecar>): void {
    for (let sent = 0; sent < count; sent += 1, index += 1)
      monitor.takeSegment(finishedSegment({ index, hwid: "a", sidecar: change }).sidecar);
  }

  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 1_000) {
      store.clock.nowMs += 1_000;
      mock.timers.tick(1_000);
    }
  }

  const connection = { connectionId: 1, hwid: "a" };
  const conditionsOf = async () => (await store.catalog.annotations.health(["a"])).map(({ condition }) => condition);
  const changes = async () => {
    await monitor.close();
    const events = await store.catalog.events.read({ afterId: 0, limit: 99, types: ["health.changed"] });
    return events.map(({ hwid, data }) => ({ hwid, ...data }));
  };

  it("keeps what holds in the catalogue and writes an event for each change", async () => {
    send(3, { levels: dead });
    send(3, { levels });
    const events = await changes();
    assert.deepEqual(events.map(Object.keys), Array(2).fill(["hwid", "entered", "left", "conditions"]));
    const [entered, left] = events;
    assert.ok(entered && left);
    assert.deepEqual(Reflect.get(entered, "conditions"), ["dead"]);
    const condition = Reflect.get(entered, "entered")[0];
    assert.equal(condition.condition, "dead");
    assert.equal(condition.since_time, "2026-01-01T00:00:00.000Z");
    assert.equal(condition.evidence.peak_dbfs, -120);
    assert.deepEqual(Reflect.get(left, "left"), [condition]);
    assert.deepEqual(Reflect.get(left, "conditions"), []);
    assert.deepEqual(await conditionsOf(), []);
    assert.deepEqual(log.at("warn"), []);
  });

  it("goes on after a restart without telling it again", async () => {
    send(3, { levels: dead });
    await monitor.close();
    assert.deepEqual(await conditionsOf(), ["dead"]);
    await open();
    send(5, { levels: dead });
    assert.equal((await changes()).length, 1);
    assert.deepEqual(await conditionsOf(), ["dead"]);
  });

  it("knows from earlier recordings what is usual", async () => {
    const hourMs = 3_600_000;
    earlier = [1, 2, 3, 4].map((hour) => ({ startMs: store.clock.nowMs - hour * hourMs, rmsDbfs: -30 }));
    send(1, { levels: { ...levels, rms_dbfs: -60, peak_dbfs: -50 } });
    await new Promise(setImmediate);
    send(12, { levels: { ...levels, rms_dbfs: -60, peak_dbfs: -50 } });
    await changes();
    assert.deepEqual(await conditionsOf(), ["far-below-baseline"]);
  });

  it("does not take gaps filled with silence for a quiet device", async () => {
    const hourMs = 3_600_000;
    earlier = [1, 2, 3, 4].map((hour) => ({ startMs: store.clock.nowMs - hour * hourMs, rmsDbfs: -30 }));
    send(1, { levels });
    await new Promise(setImmediate);
    const { sidecar } = finishedSegment({ index: 0 });
    const samples = Math.round(sidecar.samples * 0.9);
    const gap = { from_seq: 1, to_seq: 2, start_sample: 0, samples, estimated: false, cause: "not-received" } as const;
    const diluted = { ...levels, rms_dbfs: -40, peak_dbfs: -12 };
    send(20, { levels: diluted, gaps: [gap], gap_fill: "silence" });
    assert.deepEqual(await changes(), []);
  });

  it("holds no-data when a connected device sends nothing for half a minute", async () => {
    silentSinceMs = store.clock.nowMs;
    pass(10_000);
    monitor.takeConnection({ type: "device.silent", ...connection, sinceMs: silentSinceMs });
    pass(19_000);
    assert.deepEqual(await conditionsOf(), []);
    pass(2_000);
    const [change] = await changes();
    assert.deepEqual(Reflect.get(change ?? {}, "conditions"), ["no-data"]);
    const [state] = await store.catalog.annotations.health(["a"]);
    assert.equal(state?.sinceMs, silentSinceMs);
  });

  it("leaves no-data after half a minute of data, or when the device is offline", async () => {
    silentSinceMs = store.clock.nowMs;
    monitor.takeConnection({ type: "device.silent", ...connection, sinceMs: silentSinceMs });
    pass(20_000);
    silentSinceMs = null;
    monitor.takeConnection({ type: "device.sends", ...connection, atMs: store.clock.nowMs });
    pass(15_000);
    silentSinceMs = store.clock.nowMs;
    pass(15_000);
    silentSinceMs = null;
    monitor.takeConnection({ type: "device.sends", ...connection, atMs: store.clock.nowMs });
    pass(30_000);
    silentSinceMs = store.clock.nowMs;
    monitor.takeConnection({ type: "device.silent", ...connection, sinceMs: silentSinceMs });
    pass(20_000);
    monitor.takeOffline("a");
    const conditions = (await changes()).map((change) => Reflect.get(change, "conditions"));
    assert.deepEqual(conditions, [["no-data"], [], ["no-data"], []]);
  });

  it("judges no device without an id", async () => {
    for (let sent = 0; sent < 5; sent += 1)
      monitor.takeSegment(finishedSegment({ index: sent, hwid: null, sidecar: { levels: dead } }).sidecar);
    assert.deepEqual(await changes(), []);
  });

  it("tries again until a change is noted, in order", async () => {
    await monitor.close();
    const { clock, catalog } = store;
    let isFull = true;
    const setHealth: Annotations["setHealth"] = async (...change) => {
      if (isFull) throw new Error("the disk is full");
      await catalog.annotations.setHealth(...change);
    };
    const annotations = { setHealth, health: (hwids?: readonly string[]) => catalog.annotations.health(hwids) };
    monitor = new HealthMonitor({ annotations, clock, log, silentSinceMs: () => null, retryMs: 5 });
    const failing = once(log, "health of a device not noted; tried again");
    send(3, { levels: dead });
    send(3, { levels });
    await failing;
    isFull = false;
    assert.deepEqual(
      (await changes()).map((change) => Reflect.get(change, "conditions")),
      [["dead"], []],
    );
    assert.equal(log.at("error").length, 1);
  });
});
