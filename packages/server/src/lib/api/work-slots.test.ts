import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LimitError } from "../kernel/errors.ts";
import { WorkSlots } from "./work-slots.ts";

const options = { code: "PICTURE_LIMIT", what: "pictures are being drawn" } as const;
const isLimit = (text: string) => (error: unknown) =>
  error instanceof LimitError && error.code === "PICTURE_LIMIT" && error.message === text;
const patient = new AbortController().signal;

describe("WorkSlots", () => {
  it("gives as many as there are, and a name to the refusal", () => {
    const slots = new WorkSlots({ ...options, maxCount: () => 2 });
    const first = slots.take();
    slots.take();
    assert.throws(() => slots.take(), isLimit("2 of 2 pictures are being drawn"));
    first();
    first();
    assert.equal(slots.count, 1);
    slots.take();
    assert.equal(slots.count, 2);
  });

  it("lets a bounded number wait, who get their turn in order", async () => {
    const slots = new WorkSlots({ ...options, maxCount: () => 1, maxWaitingCount: () => 2 });
    const first = await slots.queue(patient);
    const second = slots.queue(patient);
    const third = slots.queue(patient);
    await assert.rejects(slots.queue(patient), isLimit("1 of 1 pictures are being drawn, and 2 wait"));
    first();
    (await second)();
    (await third)();
    assert.equal(slots.count, 0);
  });

  it("passes over who has given up, before or while waiting", async () => {
    const slots = new WorkSlots({ ...options, maxCount: () => 1, maxWaitingCount: () => 2 });
    const gone = new Error("the client is gone");
    await assert.rejects(slots.queue(AbortSignal.abort(gone)), gone);
    const first = await slots.queue(patient);
    const leaving = new AbortController();
    const left = slots.queue(leaving.signal);
    const next = slots.queue(patient);
    leaving.abort(gone);
    await assert.rejects(left, gone);
    first();
    (await next)();
    assert.equal(slots.count, 0);
  });

  it("goes by what is allowed at the moment: who waits begins as soon as there is room, and not before", async () => {
    let maxCount = 1;
    const slots = new WorkSlots({ ...options, maxCount: () => maxCount, maxWaitingCount: () => 3 });
    const first = await slots.queue(patient);
    const waiting = [slots.queue(patient), slots.queue(patient), slots.queue(patient)];
    maxCount = 3;
    first();
    const releases = await Promise.all(waiting);
    assert.equal(slots.count, 3);
    const last = slots.queue(patient);
    maxCount = 1;
    for (const release of releases.slice(0, 2)) release();
    assert.equal(slots.count, 1, "nobody begins while as many run as may");
    releases[2]?.();
    (await last)();
    assert.equal(slots.count, 0);
  });
});
