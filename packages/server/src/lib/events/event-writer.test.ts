import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it } from "node:test";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { NewEvent } from "../kernel/server-event.ts";
import { EventWriter } from "./event-writer.ts";
import { TestCatalog } from "./open-event-log.test-support.ts";

const eventOf = (place: number): NewEvent => ({ type: "device.online", hwid: "a", data: { place } });

describe("EventWriter", () => {
  let store: TestCatalog;
  let log: MemoryLog;

  beforeEach(async () => {
    store = await TestCatalog.open();
    log = new MemoryLog();
  });
  afterEach(() => store[Symbol.asyncDispose]());

  const places = async () => {
    const events = await store.catalog.events.read({ afterId: 0, limit: 9_999 });
    return events.map(({ data }) => data["place"]);
  };

  it("writes in order, and what comes together in few transactions", async () => {
    let appendCount = 0;
    const append = (events: readonly NewEvent[]) => {
      appendCount += 1;
      return store.catalog.events.append(events);
    };
    const writer = new EventWriter({ append }, log);
    const all = Array.from({ length: 2_500 }, (_, place) => place);
    for (const place of all) writer.write(eventOf(place));
    await writer.close();
    assert.deepEqual(await places(), all);
    assert.ok(appendCount <= 4, `${appendCount}`);
  });

  it("tries again what could not be written, in the order it came", async () => {
    let isFull = true;
    const append = async (events: readonly NewEvent[]) => {
      if (isFull) throw new Error("the disk is full");
      await store.catalog.events.append(events);
    };
    const writer = new EventWriter({ append }, log, { retryMs: 5 });
    const failing = once(log, "events not written; tried again");
    writer.write(eventOf(0));
    writer.write(eventOf(1));
    await failing;
    isFull = false;
    writer.write(eventOf(2));
    await writer.close();
    assert.deepEqual(await places(), [0, 1, 2]);
    assert.equal(log.at("warn").length, 1);
  });

  it("does not hold up a stop for a disk that stays full", async () => {
    const writer = new EventWriter({ append: () => Promise.reject(new Error("the disk is full")) }, log, {
      retryMs: 3_600_000,
    });
    writer.write(eventOf(0));
    await writer.close();
    assert.deepEqual(await places(), []);
    assert.deepEqual(
      log.at("error").map(({ message, fields }) => [message, fields["events"]]),
      [["events lost: the server stops", 1]],
    );
  });

  it("says when it has to drop events, and how many once it can write again", async () => {
    let isFull = true;
    const append = async (events: readonly NewEvent[]) => {
      if (isFull) throw new Error("the disk is full");
      await store.catalog.events.append(events);
    };
    const writer = new EventWriter({ append }, log, { retryMs: 5, maxWaitingCount: 3 });
    const failing = once(log, "events not written; tried again");
    for (let place = 0; place < 8; place += 1) writer.write(eventOf(place));
    await failing;
    isFull = false;
    await writer.close();
    assert.deepEqual(await places(), [5, 6, 7]);
    assert.deepEqual(
      log.at("error").map(({ message, fields }) => [message, fields]),
      [
        ["too many events wait to be written: the oldest are lost from now on", { waiting: 3 }],
        ["events lost while none could be written", { events: 5 }],
      ],
    );
  });
});
