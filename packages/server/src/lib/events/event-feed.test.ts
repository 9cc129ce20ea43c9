import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import type { EventLog } from "../catalog/event-log.ts";
import type { ServerEvent } from "../kernel/server-event.ts";
import { EventFeed, type FeedFilter } from "./event-feed.ts";
import { TestCatalog } from "./open-event-log.test-support.ts";

describe("EventFeed", () => {
  let store: TestCatalog;

  beforeEach(async () => {
    store = await TestCatalog.open();
  });
  afterEach(() => store[Symbol.asyncDispose]());

  /** Reads until so many events have come. */
  async function take(count: number, afterId: number, filter: FeedFilter = {}): Promise<readonly ServerEvent[]> {
    const stop = new AbortController();
    const events: ServerEvent[] = [];
    for await (const event of new EventFeed(store.catalog.events).follow(afterId, filter, stop.signal)) {
      if (events.push(event) === count) stop.abort();
    }
    return events;
  }

  const placesOf = (events: readonly ServerEvent[]) => events.map(({ hwid, data }) => `${hwid}${data["stream_id"]}`);

  it("gives what is in the log, then what comes", async () => {
    await store.append("a", "b", "a");
    const taking = take(5, 0);
    await store.append("c", "d");
    assert.deepEqual(placesOf(await taking), ["a0", "b1", "a2", "c0", "d1"]);
  });

  it("begins behind the id that the reader has", async () => {
    await store.append("a", "b", "c");
    const [, second] = await take(3, 0);
    assert.deepEqual(placesOf(await take(1, second?.id ?? 0)), ["c2"]);
  });

  it("leaves out types and devices that nobody asked for, however many", async () => {
    const taking = take(2, 0, { hwid: "a", types: ["device.online"] });
    for (let round = 0; round < 3; round += 1) await store.append(...Array.from({ length: 300 }, () => "b"));
    await store.append("a");
    await store.catalog.events.append([{ type: "device.offline", hwid: "a", data: {} }]);
    await store.append("b", "a");
    assert.deepEqual(placesOf(await taking), ["a0", "a1"]);
  });

  it("ends when it is told to, also while it waits, and listens no more", async () => {
    let listenerCount = 0;
    const { events } = store.catalog;
    const counted: Pick<EventLog, "read" | "lastId" | "subscribe"> = {
      lastId: events.lastId,
      read: (filter) => events.read(filter),
      subscribe: (listener) => {
        listenerCount += 1;
        const unsubscribe = events.subscribe(listener);
        return () => {
          listenerCount -= 1;
          unsubscribe();
        };
      },
    };
    const stop = new AbortController();
    const feed = new EventFeed(counted).follow(0, {}, stop.signal);
    const next = feed.next();
    setImmediate(() => stop.abort());
    assert.deepEqual(await next, { done: true, value: undefined });
    assert.equal(listenerCount, 0);
    const left = new EventFeed(counted).follow(0, {}, new AbortController().signal);
    await store.append("a");
    await left.next();
    await left.return();
    assert.equal(listenerCount, 0);
  });

  it("gives a reader each event once and in order, however slow it is and whenever events come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 60 }),
        async (batches, pace) => {
          const afterId = store.catalog.events.lastId;
          const total = batches.reduce((sum, count) => sum + count, 0);
          const stop = new AbortController();
          const got: number[] = [];
          const reading = (async () => {
            if (total === 0) return;
            for await (const { id } of new EventFeed(store.catalog.events).follow(afterId, {}, stop.signal)) {
              if (got.push(id) === total) stop.abort();
              if (got.length % pace === 0) await new Promise(setImmediate);
            }
          })();
          for (const count of batches) await store.append(...Array.from({ length: count }, () => "a"));
          await reading;
          const { lastId } = store.catalog.events;
          assert.deepEqual(
            got,
            Array.from({ length: total }, (_, index) => lastId - total + 1 + index),
          );
        },
      ),
      { numRuns: 15 },
    );
  });
});
