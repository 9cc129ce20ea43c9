import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it } from "node:test";
import { seededRandom } from "../../../../../test/support/seeded-random.ts";
import { WebhookReceiver } from "../../../../../test/support/webhook-receiver.ts";
import type { EventDelivery } from "../catalog/delivery-queue.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { eventTypes } from "../kernel/server-event.ts";
import { parseWebhookSecret } from "../kernel/webhook-secret.ts";
import { type DeliveryOutcome, DeliveryWorker, type DeliveryWorkerOptions } from "./delivery-worker.ts";
import { TestCatalog } from "./open-event-log.test-support.ts";
import { WebhookSender } from "./webhook-sender.ts";

const target = "webhook:main";
const dayMs = 86_400_000;
const retry = { baseMs: 2_000, capMs: 3_600_000, maxAgeMs: 3 * dayMs };
const delivered: DeliveryOutcome = { kind: "delivered" };
const failed: DeliveryOutcome = { kind: "failed", reason: "it does not like it" };

describe("DeliveryWorker", () => {
  let store: TestCatalog;
  let log: MemoryLog;
  let workers: DeliveryWorker[];

  beforeEach(async () => {
    store = await TestCatalog.open();
    store.catalog.deliveries.setTargets([{ target, types: eventTypes }]);
    log = new MemoryLog();
    workers = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await store[Symbol.asyncDispose]();
  });

  function start(
    deliver: DeliveryWorkerOptions["deliver"],
    change: Partial<DeliveryWorkerOptions> = {},
  ): DeliveryWorker {
    const queue = store.catalog.deliveries;
    const { clock } = store;
    const worker = new DeliveryWorker({ queue, target, deliver, clock, log, retry, maxInFlight: 4, ...change });
    workers.push(worker);
    store.catalog.events.subscribe(() => worker.notify());
    worker.start();
    return worker;
  }

  const pendingCount = () => store.catalog.deliveries.counts()[0]?.pending;
  const placesOf = (events: readonly EventDelivery["event"][], hwid: string) =>
    events.filter((event) => event.hwid === hwid).map(({ data }) => data["stream_id"]);

  it("delivers what was queued before it started and what comes then", async () => {
    await store.append("a", "b");
    const { promise, resolve } = Promise.withResolvers<void>();
    const came: number[] = [];
    start(async ({ event }) => {
      if (came.push(event.id) === 3) resolve();
      return delivered;
    });
    await store.append("a");
    await promise;
    await workers[0]?.close(1_000);
    assert.equal(new Set(came).size, 3);
    assert.equal(pendingCount(), 0);
  });

  it("has one delivery of a device on its way at a time, and only so many at all", async () => {
    await store.append(...["a", "b", "c", "d", "e", "f"].flatMap((hwid) => [hwid, hwid, hwid]));
    const inFlight = new Map<string | null, number>();
    let [most, count] = [0, 0];
    const { promise, resolve } = Promise.withResolvers<void>();
    start(async ({ event }) => {
      assert.equal(inFlight.get(event.hwid) ?? 0, 0);
      inFlight.set(event.hwid, 1);
      most = Math.max(
        most,
        [...inFlight.values()].reduce((sum, one) => sum + one, 0),
      );
      await new Promise(setImmediate);
      inFlight.set(event.hwid, 0);
      count += 1;
      if (count === 18) resolve();
      return delivered;
    });
    await promise;
    assert.equal(most, 4);
  });

  it("brings everything in order to a receiver that was down for ten minutes", async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.answer = () => 503;
    const key = parseWebhookSecret(receiver.secret);
    assert.ok(key);
    const { clock } = store;
    const sender = new WebhookSender({ name: "main", url: receiver.url, key, version: "1", clock });
    const worker = start((delivery, signal) => sender.send(delivery, signal), {
      random: seededRandom(3),
      maxInFlight: 8,
    });
    const hwids = Array.from({ length: 10 }, (_, index) => `mic-${index}`);
    for (let second = 0; second < 600; second += 20) {
      clock.nowMs += 20_000;
      await store.append(...hwids);
      worker.notify();
      await idle(worker);
    }
    assert.equal(receiver.delivered.length, 0);
    assert.ok(receiver.requests.length < 200, `${receiver.requests.length} attempts: waits grow`);
    receiver.answer = () => 200;
    for (let minute = 0; minute < 60 && pendingCount() !== 0; minute += 1) {
      clock.nowMs += 60_000;
      worker.notify();
      await idle(worker);
    }
    assert.equal(pendingCount(), 0);
    const events = receiver.delivered.map(({ event }) => event);
    assert.equal(events.length, 300);
    for (const hwid of hwids) {
      const ids = events.filter((event) => event.hwid === hwid).map(({ id }) => id);
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      );
      assert.equal(ids.length, 30);
    }
    const ids = receiver.requests.map(({ id }) => id);
    assert.equal(new Set(ids).size, 300, "an attempt has the id of the one before");
  });

  /** Resolves when nothing is on its way. */
  async function idle(worker: DeliveryWorker): Promise<void> {
    while (worker.inFlightCount > 0) await new Promise(setImmediate);
  }

  it("tries one delivery at a time while the receiver is down, however many devices wait, and then brings all in order", async () => {
    const hwids = Array.from({ length: 500 }, (_, index) => `mic-${index}`);
    const came: EventDelivery["event"][] = [];
    let [attemptCount, inFlight, most] = [0, 0, 0];
    let isDown = true;
    const change = { random: seededRandom(5), maxInFlight: 16, isGuarded: true };
    const worker = start(async ({ event }) => {
      attemptCount += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise(setImmediate);
      inFlight -= 1;
      if (isDown) return failed;
      came.push(event);
      return delivered;
    }, change);
    await store.append(...hwids);
    await idle(worker);
    assert.ok(attemptCount < 20, `${attemptCount} attempts before it is taken for down`);
    most = 0;
    for (let second = 0; second < 600; second += 5) {
      store.clock.nowMs += 5_000;
      if (second % 60 === 0) await store.append(...hwids);
      worker.notify();
      await idle(worker);
    }
    assert.equal(most, 1);
    assert.ok(attemptCount < 60, `${attemptCount} attempts in ten minutes`);
    assert.equal(log.at("warn").filter(({ message }) => message.includes("down")).length, 1);
    isDown = false;
    for (let minute = 0; minute < 60 && pendingCount() !== 0; minute += 1) {
      store.clock.nowMs += 60_000;
      worker.notify();
      while (worker.inFlightCount > 0) await idle(worker);
    }
    assert.equal(pendingCount(), 0);
    assert.equal(most, 16);
    for (const hwid of hwids) {
      const own = came.filter((event) => event.hwid === hwid).map(({ id }) => id);
      assert.equal(own.length, 11);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    }
  });

  it("takes a receiver that refuses what some devices tell for one that is there", async () => {
    const bad = ["bad-1", "bad-2", "bad-3"];
    const came: (string | null)[] = [];
    const worker = start(
      async ({ event: { hwid } }) => {
        if (hwid?.startsWith("bad")) return failed;
        came.push(hwid);
        return delivered;
      },
      { isGuarded: true },
    );
    await store.append(...bad, ...bad, ...bad);
    await idle(worker);
    for (let round = 0; round < 20; round += 1) {
      store.clock.nowMs += 3_600_000;
      worker.notify();
      await idle(worker);
    }
    await store.append("good");
    await idle(worker);
    assert.deepEqual(came, ["good"]);
  });

  it("holds up no device for another", async () => {
    await store.append("bad", "good", "bad", "good");
    const came: EventDelivery["event"][] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    start(async ({ event }) => {
      if (event.hwid === "bad") return failed;
      if (came.push(event) === 2) resolve();
      return delivered;
    });
    await promise;
    assert.deepEqual(placesOf(came, "good"), [1, 3]);
    await workers[0]?.close(1_000);
    assert.equal(pendingCount(), 2);
  });

  it("waits between attempts with full jitter, longer each time, at most an hour", async () => {
    await store.append("a");
    const attempts: number[] = [];
    const worker = start(
      async () => {
        attempts.push(store.clock.nowMs);
        return failed;
      },
      { random: () => 0.999 },
    );
    await idle(worker);
    for (let count = 1; count < 16; count += 1) {
      store.clock.nowMs = store.catalog.deliveries.nextDueMs(target) ?? 0;
      worker.notify();
      await idle(worker);
    }
    const waitsS = attempts.slice(1).map((atMs, index) => Math.round((atMs - (attempts[index] ?? 0)) / 1000));
    assert.deepEqual(waitsS.slice(0, 11), [2, 4, 8, 16, 32, 64, 128, 256, 511, 1023, 2046]);
    assert.deepEqual(new Set(waitsS.slice(11)), new Set([3596]));
  });

  it("gives up after its time and goes on with the device's next event", async () => {
    await store.append("a", "a");
    const [first] = await store.catalog.events.read({ afterId: 0, limit: 1 });
    const came: number[] = [];
    const worker = start(async ({ event }) => {
      if (event.id === first?.id) return failed;
      came.push(event.id);
      return delivered;
    });
    await idle(worker);
    store.clock.nowMs += retry.maxAgeMs;
    worker.notify();
    await idle(worker);
    assert.equal(came.length, 1);
    const [dead] = store.catalog.deliveries.deadLetters({ limit: 9 });
    assert.equal(dead?.event.id, first?.id);
    assert.equal(dead?.reason, "it does not like it");
    assert.equal(log.at("error").length, 1);
  });

  it("gives up all that is too old when the receiver has taken nothing for as long", async () => {
    let isDown = true;
    // Moving a slice to the dead letters ends with a turn.
    const settled = async () => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    };
    const worker = start(async () => (isDown ? failed : delivered), { isGuarded: true, random: seededRandom(8) });
    const hwids = Array.from({ length: 6 }, (_, index) => `mic-${index}`);
    for (let hour = 0; hour < 96; hour += 1) {
      await store.append(...hwids);
      store.clock.nowMs += 3_600_000;
      worker.notify();
      await idle(worker);
      await settled();
    }
    const [counts] = store.catalog.deliveries.counts();
    assert.equal((counts?.pending ?? 0) + (counts?.dead ?? 0), 96 * 6);
    assert.ok((counts?.pending ?? 0) < 75 * 6, `${counts?.pending} still wait`);
    assert.ok(store.clock.nowMs - (counts?.oldestPendingMs ?? 0) < 75 * 3_600_000);
    const [oldest] = store.catalog.deliveries.deadLetters({ limit: 9 }).filter(({ attempts }) => attempts === 0);
    assert.match(oldest?.reason ?? "", /waited too long/);
    isDown = false;
    for (let hour = 0; hour < 100 && pendingCount() !== 0; hour += 1) {
      store.clock.nowMs += 3_600_000;
      worker.notify();
      while (worker.inFlightCount > 0) await idle(worker);
    }
    assert.equal(pendingCount(), 0);
  });

  it("gives up nothing but what failed while the receiver takes others", async () => {
    const worker = start(async ({ event }) => (event.hwid === "bad" ? failed : delivered));
    await store.append("bad", "bad");
    await idle(worker);
    store.clock.nowMs += 1;
    await store.append("good");
    await idle(worker);
    store.clock.nowMs += retry.maxAgeMs - 60_000;
    await store.append("good");
    await idle(worker);
    store.clock.nowMs += 120_000;
    worker.notify();
    await idle(worker);
    const { pending, dead } = store.catalog.deliveries.counts()[0] ?? assert.fail();
    assert.deepEqual([pending, dead], [1, 1]);
  });

  it("gives up at once where there is no use in more, and after so many attempts", async () => {
    await store.append("a", "b");
    const worker = start(async ({ event }) => (event.hwid === "a" ? { ...failed, isFinal: true } : failed), {
      retry: { ...retry, maxAttempts: 1 },
    });
    await idle(worker);
    assert.equal(pendingCount(), 0);
    assert.equal(await store.catalog.deliveries.replayDead({ target }), 2);
    worker.notify();
    await idle(worker);
    assert.equal(store.catalog.deliveries.deadLetters({ limit: 9 }).length, 2);
  });

  it("leaves a receiver alone for as long as it asks, within reason", async () => {
    await store.append("a", "b");
    const worker = start(async ({ event }) => ({
      ...failed,
      retryAfterMs: event.hwid === "a" ? 60_000 : 365 * dayMs,
    }));
    await idle(worker);
    assert.equal((store.catalog.deliveries.nextDueMs(target) ?? 0) - store.clock.nowMs, 60_000);
    store.clock.nowMs += 3_600_000;
    assert.equal(store.catalog.deliveries.claim(target, 9, store.clock.nowMs).length, 2);
  });

  it("sends again after a kill what was sent and not noted, under the same id", async () => {
    await store.append("a");
    const hanging = Promise.withResolvers<void>();
    const seen: number[] = [];
    const first = start(async ({ event }, signal) => {
      seen.push(event.id);
      hanging.resolve();
      if (!signal.aborted) await once(signal, "abort");
      return failed;
    });
    await hanging.promise;
    // A second run that finds the claim of the first one.
    store.catalog.deliveries.setTargets([{ target, types: eventTypes }]);
    const again = Promise.withResolvers<void>();
    start(async ({ event }) => {
      seen.push(event.id);
      again.resolve();
      return delivered;
    });
    await again.promise;
    assert.equal(seen[0], seen[1]);
    await first.close();
  });

  it("gives what is in flight its time at a stop, then leaves it to the next run without counting an attempt", async () => {
    await store.append("quick", "slow");
    const slow = Promise.withResolvers<void>();
    const worker = start(async ({ event }, signal) => {
      if (event.hwid === "slow") {
        slow.resolve();
        if (!signal.aborted) await once(signal, "abort");
        return failed;
      }
      await slow.promise;
      return delivered;
    });
    await slow.promise;
    await worker.close(50);
    const left = store.catalog.deliveries.claim(target, 9, store.clock.nowMs);
    assert.deepEqual(
      left.map(({ event, attempts }) => [event.hwid, attempts]),
      [["slow", 0]],
    );
  });

  it("takes an attempt that throws for a failed one", async () => {
    await store.append("a");
    const worker = start(() => Promise.reject(new Error("out of order")));
    await idle(worker);
    assert.equal(log.at("warn")[0]?.fields["reason"], "out of order");
    assert.equal(pendingCount(), 1);
  });
});
