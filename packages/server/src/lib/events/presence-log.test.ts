import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import { silentLog } from "../kernel/log.ts";
import { EventWriter } from "./event-writer.ts";
import { TestCatalog } from "./open-event-log.test-support.ts";
import { PresenceLog } from "./presence-log.ts";

const graceMs = 10_000;
const startGraceMs = 60_000;

describe("PresenceLog", () => {
  let store: TestCatalog;
  let writer: EventWriter;
  let presence: PresenceLog;
  let wentOffline: string[];

  beforeEach(async () => {
    store = await TestCatalog.open();
    mock.timers.enable({ apis: ["setInterval"] });
    await open();
  });
  afterEach(async () => {
    await close();
    mock.timers.reset();
    await store[Symbol.asyncDispose]();
  });

  /** As a new run of the server does. */
  async function open(): Promise<void> {
    wentOffline = [];
    const { clock, catalog } = store;
    const onOffline = (hwid: string) => void wentOffline.push(hwid);
    writer = new EventWriter(catalog.events, silentLog);
    presence = new PresenceLog({ events: catalog.events, writer, clock, graceMs, startGraceMs, onOffline });
    await presence.open();
  }

  const known = (connectionId: number, hwid: string | null) => ({ connectionId, hwid });
  function connect(connectionId: number, hwid: string | null = "a"): void {
    const atMs = store.clock.nowMs;
    presence.take({ type: "device.connected", ...known(connectionId, hwid), streamId: 7, atMs });
  }
  function disconnect(connectionId: number, hwid: string | null = "a", reason = "CLIENT_LOST"): void {
    presence.take({ type: "device.disconnected", ...known(connectionId, hwid), atMs: store.clock.nowMs, reason });
  }
  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 1_000) {
      store.clock.nowMs += Math.min(left, 1_000);
      mock.timers.tick(Math.min(left, 1_000));
    }
  }
  /** As a stop of the server does. */
  async function close(): Promise<void> {
    presence.close();
    await writer.close();
  }
  async function written(): Promise<readonly string[]> {
    await close();
    const events = await store.catalog.events.read({ afterId: 0, limit: 99 });
    return events.map(({ type, hwid }) => `${type} ${hwid}`);
  }

  it("writes that a device came, and that it left when it does not come back", async () => {
    connect(1);
    assert.equal(presence.online.isOnline("a"), true);
    pass(5_000);
    disconnect(1);
    pass(graceMs);
    assert.equal(presence.online.isOnline("a"), false);
    assert.deepEqual(wentOffline, ["a"]);
    await close();
    const [online, offline] = await store.catalog.events.read({ afterId: 0, limit: 9 });
    assert.deepEqual(
      [online?.type, online?.hwid, online?.data],
      ["device.online", "a", { stream_id: 7, since_time: "2026-01-01T00:00:00.000Z" }],
    );
    assert.deepEqual([offline?.type, offline?.hwid], ["device.offline", "a"]);
    assert.deepEqual(offline?.data, {
      since_time: "2026-01-01T00:00:00.000Z",
      gone_time: "2026-01-01T00:00:05.000Z",
      reason: "CLIENT_LOST",
    });
  });

  it("takes a reconnect for none of both", async () => {
    connect(1);
    disconnect(1);
    pass(graceMs - 1_000);
    connect(2);
    disconnect(2);
    pass(graceMs - 1_000);
    connect(3);
    pass(10 * graceMs);
    assert.deepEqual(await written(), ["device.online a"]);
  });

  it("counts all connections of a device", async () => {
    connect(1);
    connect(2);
    assert.equal(presence.online.device("a")?.connectionCount, 2);
    disconnect(1);
    pass(2 * graceMs);
    assert.equal(presence.online.isOnline("a"), true);
    disconnect(2);
    pass(graceMs);
    assert.deepEqual(await written(), ["device.online a", "device.offline a"]);
  });

  it("does not know devices without an id", async () => {
    connect(1, null);
    assert.equal(presence.online.count, 0);
    assert.deepEqual(await written(), []);
  });

  it("tells how long no connection of a device has sent anything", () => {
    const silent = (connectionId: number, sinceMs: number): ConnectionEvent => ({
      ...{ type: "device.silent", sinceMs },
      ...known(connectionId, "a"),
    });
    connect(1);
    connect(2);
    presence.take(silent(1, 5));
    assert.equal(presence.online.device("a")?.silentSinceMs, null);
    presence.take(silent(2, 9));
    assert.equal(presence.online.device("a")?.silentSinceMs, 9);
    presence.take({ type: "device.sends", ...known(1, "a"), atMs: 20 });
    assert.equal(presence.online.device("a")?.silentSinceMs, null);
  });

  it("writes nothing at a stop, and the next run writes it of those that do not come back", async () => {
    connect(1, "a");
    connect(2, "b");
    disconnect(1, "a", "SHUTTING_DOWN");
    disconnect(2, "b", "SHUTTING_DOWN");
    pass(graceMs);
    await close();
    await open();
    assert.equal(presence.online.isOnline("b"), true);
    connect(1, "a");
    pass(startGraceMs);
    assert.equal(presence.online.isOnline("b"), false);
    assert.deepEqual(await written(), ["device.online a", "device.online b", "device.offline b"]);
    const [last] = await store.catalog.events.read({ afterId: 0, limit: 9, types: ["device.offline"] });
    assert.deepEqual(last?.data, {
      since_time: "2026-01-01T00:00:00.000Z",
      gone_time: null,
      reason: "SERVER_RESTARTED",
    });
  });

  it("remembers no device that was offline before the restart", async () => {
    connect(1);
    disconnect(1);
    pass(graceMs);
    await close();
    await open();
    assert.equal(presence.online.count, 0);
    connect(1);
    assert.deepEqual(await written(), ["device.online a", "device.offline a", "device.online a"]);
  });

  it("tells that a device is gone which was online for longer than the log is kept", async () => {
    connect(1);
    await close();
    store.clock.nowMs += 40 * 86_400_000;
    assert.ok((await store.catalog.events.prune(store.clock.nowMs - 30 * 86_400_000)) > 0);
    await store.reopen();
    await open();
    assert.ok(presence.online.isOnline("a"));
    pass(startGraceMs + 1_000);
    assert.deepEqual(wentOffline, ["a"]);
    await close();
    const events = await store.catalog.events.read({ afterId: 0, limit: 9, types: ["device.offline"] });
    assert.deepEqual(
      events.map(({ hwid, data }) => [hwid, data["reason"], data["since_time"]]),
      [["a", "SERVER_RESTARTED", "2026-01-01T00:00:00.000Z"]],
    );
    await open();
    assert.equal(presence.online.count, 0);
  });
});
