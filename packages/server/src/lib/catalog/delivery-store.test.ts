import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import type { EventDelivery } from "./delivery-queue.ts";
import { finishedSegment } from "./finished-segment.test-support.ts";
import { holdCatalog } from "./held-catalog.test-support.ts";

const nowMs = 1_800_000_000_000;
const clock: Clock = { ...systemClock, wallMs: () => nowMs as WallMs };

const held = holdCatalog(clock);

const hook = { target: "hook", types: ["device.online", "storage.low"] } as const;

function append(...hwids: readonly (string | null)[]): Promise<void> {
  return held.catalog.events.append(hwids.map((hwid) => ({ type: "device.online", hwid, data: {} })));
}

const claim = (limit = 99, atMs = nowMs, target = "hook") => held.catalog.deliveries.claim(target, limit, atMs);
const places = (deliveries: readonly EventDelivery[]) => deliveries.map(({ event }) => event.id - nowMs);
const ids = (deliveries: readonly EventDelivery[]) => deliveries.map(({ deliveryId }) => deliveryId);

describe("DeliveryQueue", () => {
  it("queues events for the targets that want them, from then on", async () => {
    await append("a");
    held.catalog.deliveries.setTargets([hook, { target: "some", types: ["device.online"], hwids: ["b"] }]);
    await append("a", "b", null);
    await held.catalog.events.append([{ type: "device.offline", hwid: "b", data: {} }]);
    await held.catalog.events.append([{ type: "storage.low", hwid: null, data: {} }]);
    assert.deepEqual(places(claim()), [2, 3, 4]);
    assert.deepEqual(places(claim(99, nowMs, "some")), [3]);
    assert.deepEqual(claim(99, nowMs, "nobody"), []);
    assert.deepEqual(held.catalog.deliveries.counts(), [
      { target: "hook", pending: 4, dead: 0, oldestPendingMs: nowMs },
      { target: "some", pending: 1, dead: 0, oldestPendingMs: nowMs },
    ]);
  });

  it("gives a device's events to a target one after the other", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append("a", "a", "b", "a");
    const first = claim();
    assert.deepEqual(places(first), [1, 3]);
    assert.deepEqual(claim(), []);
    held.catalog.deliveries.markFailed(first[0]!.deliveryId, { reason: "503", nextTryMs: nowMs + 10 });
    held.catalog.deliveries.markDelivered([first[1]!.deliveryId]);
    assert.deepEqual(claim(), []);
    assert.equal(held.catalog.deliveries.nextDueMs("hook"), nowMs + 10);
    const [again] = claim(9, nowMs + 10);
    assert.deepEqual([again?.event.id, again?.attempts, again?.firstFailedMs], [nowMs + 1, 1, nowMs]);
    held.catalog.deliveries.markDelivered([again!.deliveryId]);
    assert.deepEqual(places(claim()), [2]);
  });

  it("lets the next one through when one is given up, and gives it again on demand", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append("a", "a", "a");
    const [first] = claim();
    held.catalog.deliveries.markFailed(first!.deliveryId, { reason: "410 Gone", nextTryMs: null });
    const second = claim();
    assert.deepEqual(places(second), [2]);
    const [dead] = held.catalog.deliveries.deadLetters({ target: "hook", limit: 9 });
    assert.deepEqual(
      [dead?.event.id, dead?.attempts, dead?.reason, dead?.diedMs, dead?.firstFailedMs],
      [nowMs + 1, 1, "410 Gone", nowMs, nowMs],
    );
    assert.equal(await held.catalog.deliveries.replayDead({ target: "other" }), 0);
    assert.equal(await held.catalog.deliveries.replayDead({ deliveryIds: [first!.deliveryId] }), 1);
    assert.deepEqual(held.catalog.deliveries.deadLetters({ limit: 9 }), []);
    // The second is on its way: the first waits for it, then comes before the third.
    assert.deepEqual(claim(), []);
    held.catalog.deliveries.markDelivered(ids(second));
    assert.deepEqual(places(claim()), [1]);
    assert.deepEqual(held.catalog.deliveries.counts()[0], {
      target: "hook",
      pending: 2,
      dead: 0,
      oldestPendingMs: nowMs,
    });
  });

  /** Gives up all that is due. */
  function buryAll(): void {
    for (let due = claim(); due.length > 0; due = claim())
      for (const { deliveryId } of due)
        held.catalog.deliveries.markFailed(deliveryId, { reason: "gone", nextTryMs: null });
  }

  it("puts any number back some at a time, each device's in order, and serves others meanwhile", async () => {
    held.catalog.deliveries.setTargets([hook]);
    const hwids = Array.from({ length: 1000 }, (_, at) => `mic-${at % 7}`);
    await append(...hwids);
    buryAll();
    assert.equal(held.catalog.deliveries.counts()[0]?.dead, 1000);
    const replay = held.catalog.deliveries.replayDead({});
    await nextTurn();
    const between = held.catalog.deliveries.counts()[0];
    assert.ok(between !== undefined && between.dead > 0 && between.pending > 0, JSON.stringify(between));
    // What dies again meanwhile stays dead.
    const [again] = claim(1);
    held.catalog.deliveries.markFailed(again!.deliveryId, { reason: "gone", nextTryMs: null });
    assert.equal(await replay, 1000);
    assert.equal(held.catalog.deliveries.counts()[0]?.dead, 1);
    const seen: number[] = [again!.event.id];
    for (let due = claim(); due.length > 0; due = claim()) {
      seen.push(...due.map(({ event }) => event.id));
      held.catalog.deliveries.markDelivered(ids(due));
    }
    const ofDevice = (device: number) => seen.filter((id) => (id - nowMs - 1) % 7 === device);
    for (let device = 0; device < 7; device++)
      assert.deepEqual(
        ofDevice(device),
        ofDevice(device).toSorted((a, b) => a - b),
      );
    assert.equal(new Set(seen).size, 1000);
  });

  it("gives up the oldest beyond a count, but not what is on its way, and lets those behind it through", async () => {
    held.catalog.deliveries.setTargets([hook, { ...hook, target: "other" }]);
    await append("a", ...Array.from({ length: 600 }, (_, at) => `mic-${at % 3}`), "a");
    const [claimed] = claim(1);
    assert.equal(await held.catalog.deliveries.giveUp("hook", { keepCount: 5, reason: "too many" }), 597);
    assert.equal(await held.catalog.deliveries.giveUp("hook", { keepCount: 5, reason: "too many" }), 0);
    assert.deepEqual(
      held.catalog.deliveries.counts().map(({ target, pending, dead }) => [target, pending, dead]),
      [
        ["hook", 5, 597],
        ["other", 602, 0],
      ],
    );
    const [oldest] = held.catalog.deliveries.deadLetters({ limit: 1 });
    assert.deepEqual([oldest?.event.id, oldest?.attempts, oldest?.reason], [nowMs + 2, 0, "too many"]);
    const listed: number[] = [];
    for (let page = held.catalog.deliveries.deadLetters({ limit: 250 }); page.length > 0; ) {
      listed.push(...page.map(({ deliveryId }) => deliveryId));
      page = held.catalog.deliveries.deadLetters({ limit: 250, afterId: listed.at(-1) ?? 0 });
    }
    assert.equal(new Set(listed).size, 597);
    assert.equal(listed.length, 597);
    assert.deepEqual(places(claim()), [599, 600, 601]);
    held.catalog.deliveries.markDelivered([claimed!.deliveryId]);
    assert.deepEqual(places(claim()), [602]);
    assert.equal(await held.catalog.deliveries.replayDead({}), 597);
  });

  it("leaves what is on its way to targets that stay when others come and go", async () => {
    held.catalog.deliveries.setTargets([hook, { ...hook, target: "leaving" }]);
    await append("a", "a");
    const [claimed] = claim(1);
    held.catalog.deliveries.changeTargets([{ target: "coming", types: ["device.online"] }, hook]);
    await append("b");
    assert.deepEqual(claim(9, nowMs, "leaving"), []);
    assert.deepEqual(places(claim(9, nowMs, "coming")), [3]);
    assert.deepEqual(places(claim()), [3]);
    held.catalog.deliveries.markDelivered([claimed!.deliveryId]);
    assert.deepEqual(places(claim()), [2]);
  });

  it("gives up what is older than a time", async () => {
    let atMs = nowMs;
    await held.catalog.close();
    held.catalog = await held.open({ ...clock, wallMs: () => atMs as WallMs });
    held.catalog.deliveries.setTargets([hook]);
    await append("a", "b");
    atMs += 10;
    await append("a", "b");
    assert.equal(await held.catalog.deliveries.giveUp("hook", { beforeMs: nowMs, reason: "old" }), 0);
    assert.equal(await held.catalog.deliveries.giveUp("hook", { beforeMs: nowMs + 10, reason: "old" }), 2);
    assert.equal(claim(9, atMs).length, 2);
  });

  it("queues a long log again some at a time", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append(...Array.from({ length: 700 }, () => "a"));
    buryAll();
    const replay = held.catalog.deliveries.replayLog("hook", { fromId: nowMs + 100, toId: nowMs + 699 });
    await nextTurn();
    assert.ok((held.catalog.deliveries.counts()[0]?.pending ?? 600) < 600);
    assert.equal(await replay, 600);
  });

  it("tells that it was closed in the middle of a replay, and leaves the rest dead", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append(...Array.from({ length: 700 }, () => "a"));
    buryAll();
    const replay = held.catalog.deliveries.replayDead({ target: "hook" });
    await held.catalog.close();
    await assert.rejects(replay, { code: "SHUTTING_DOWN" });
    held.catalog = await held.open();
    const { pending = 0, dead = 0 } = held.catalog.deliveries.counts()[0] ?? {};
    assert.ok(pending > 0 && dead > 0, `${pending} wait, ${dead} are dead`);
    assert.equal(pending + dead, 700);
  });

  it("queues what stands in the log again, but nothing twice", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append("a", "b", "c");
    held.catalog.deliveries.markDelivered(ids(claim(2)));
    const all = { fromId: 0, toId: held.catalog.events.lastId };
    assert.equal(await held.catalog.deliveries.replayLog("hook", all), 2);
    assert.equal(await held.catalog.deliveries.replayLog("hook", all), 0);
    assert.equal(await held.catalog.deliveries.replayLog("nobody", all), 0);
    assert.deepEqual(places(claim()), [1, 2, 3]);
  });

  it("keeps what waits over a restart, claimed or not, and drops targets that are gone", async () => {
    held.catalog.deliveries.setTargets([hook, { target: "gone", types: ["device.online"] }]);
    await append("a", "b", "b");
    claim(1);
    await held.catalog.close();
    held.catalog = await held.open();
    // Written before the targets are known again.
    await append("c");
    held.catalog.deliveries.setTargets([hook]);
    assert.deepEqual(places(claim()), [1, 2, 4]);
    assert.deepEqual(
      held.catalog.deliveries.counts().map(({ target, pending }) => [target, pending]),
      [["hook", 4]],
    );
    held.catalog.deliveries.setTargets([hook, { target: "gone", types: ["device.online"] }]);
    assert.deepEqual(claim(9, nowMs, "gone"), []);
  });

  it("queues what a segment tells in the transaction that catalogues it", async () => {
    held.catalog.deliveries.setTargets([{ target: "run", types: ["segment.closed"] }]);
    await held.catalog.addSegment(finishedSegment(), [], { isBackfill: true });
    await held.catalog.addSegment(finishedSegment(), [], { isBackfill: true });
    const [only, ...others] = claim(9, nowMs, "run");
    assert.equal(only?.event.data["segment_id"], 1);
    assert.deepEqual(others, []);
  });

  it("has no effect on deliveries that are not claimed", async () => {
    held.catalog.deliveries.setTargets([hook]);
    await append("a");
    const [only] = claim();
    held.catalog.deliveries.release(ids([only!]));
    held.catalog.deliveries.markDelivered(ids([only!]));
    held.catalog.deliveries.markFailed(only!.deliveryId, { reason: "late", nextTryMs: null });
    assert.deepEqual(claim(), [only]);
    assert.deepEqual(held.catalog.deliveries.deadLetters({ limit: 1 }), []);
  });

  it("gives each event until it is delivered, a device's in order, whatever happens in between", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("append" as const), device: fc.nat(2) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("deliver", "fail", "release"), at: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await held.renew();
        held.catalog.deliveries.setTargets([hook]);
        const waiting: { id: number; hwid: string }[] = [];
        let claimed: EventDelivery[] = [];
        let atMs = nowMs;
        for (const now of steps) {
          if (now.do === "append") {
            const hwid = `mic-${now.device}`;
            await append(hwid);
            waiting.push({ id: held.catalog.events.lastId, hwid });
          } else if (now.do === "claim") {
            atMs += 10;
            const got = claim(now.limit, atMs);
            for (const { event } of got) {
              assert.equal(event.id, waiting.find(({ hwid }) => hwid === event.hwid)?.id);
              assert.ok(claimed.every((other) => other.event.hwid !== event.hwid));
              claimed.push(got.find((delivery) => delivery.event.id === event.id)!);
            }
          } else if (now.do === "restart") {
            held.catalog.deliveries.setTargets([hook]);
            claimed = [];
          } else {
            const [one] = claimed.splice(now.at % Math.max(1, claimed.length), 1);
            if (one === undefined) continue;
            if (now.do === "release") held.catalog.deliveries.release([one.deliveryId]);
            if (now.do === "fail")
              held.catalog.deliveries.markFailed(one.deliveryId, { reason: "x", nextTryMs: atMs + 15 });
            if (now.do === "deliver") {
              held.catalog.deliveries.markDelivered([one.deliveryId]);
              waiting.splice(
                waiting.findIndex(({ id }) => id === one.event.id),
                1,
              );
            }
          }
          assert.equal(held.catalog.deliveries.counts()[0]?.pending, waiting.length);
        }
        // All that waits comes in the end.
        held.catalog.deliveries.release(ids(claimed));
        for (let left = waiting.length; left > 0; ) {
          const got = claim(99, atMs + 1000);
          assert.ok(got.length > 0);
          held.catalog.deliveries.markDelivered(ids(got));
          left -= got.length;
        }
        assert.deepEqual(claim(99, atMs + 1000), []);
      }),
      { numRuns: 40 },
    );
  });
});
