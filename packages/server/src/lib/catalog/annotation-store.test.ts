import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import { RequestError } from "../kernel/errors.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import { holdCatalog } from "./held-catalog.test-support.ts";

const nowMs = 1_800_000_000_000;
const clock: Clock = { ...systemClock, wallMs: () => nowMs as WallMs };

const held = holdCatalog(clock);

const add = (draft: SegmentDraft = {}, kinds: readonly ("bin" | "wav" | "json")[] = []) =>
  held.catalog.addSegment(finishedSegment(draft), kinds, { isBackfill: false });
const remove = (...segmentIds: readonly number[]) =>
  held.catalog.annotations.deleteSegments({ segmentIds, reason: "old" });
const stored = { key: "k", etag: "e", storedMs: nowMs };

describe("Annotations", () => {
  it("names and tags a device that was recorded, and keeps what is not given", async () => {
    const { describeDevice } = held.catalog.annotations;
    const describe = describeDevice.bind(held.catalog.annotations);
    await assert.rejects(
      describe("mic-1", { name: "x" }),
      (error) => error instanceof RequestError && error.code === "NOT_FOUND",
    );
    await add();
    await describe("mic-1", { name: "Porch", tags: ["a", "b", "a"] });
    await describe("mic-1", { tags: [] });
    const named = await held.catalog.reader.device("mic-1");
    assert.deepEqual([named?.name, named?.tags], ["Porch", []]);
    await describe("mic-1", { name: null });
    assert.equal((await held.catalog.reader.device("mic-1"))?.name, null);
  });

  it("names a device that is connected, before anything of it is recorded", async () => {
    await held.catalog.annotations.describeDevice("new", { name: "Shed", tags: ["a"] }, nowMs - 5_000);
    const named = await held.catalog.reader.device("new");
    assert.deepEqual(
      [named?.name, named?.tags, named?.firstSeenMs, named?.segmentCount],
      ["Shed", ["a"], nowMs - 5_000, 0],
    );
    await add({ hwid: "new" });
    const recorded = await held.catalog.reader.device("new");
    assert.deepEqual([recorded?.name, recorded?.segmentCount], ["Shed", 1]);
  });

  it("keeps pins over a restart", async () => {
    const draft = { hwid: null, fromMs: 1.5, toMs: 2, note: "trial" };
    const pin = await held.catalog.annotations.addPin(draft);
    const other = await held.catalog.annotations.addPin({ ...draft, hwid: "mic-1" });
    assert.deepEqual(pin, { ...draft, id: 1, createdMs: nowMs });
    await held.catalog.close();
    held.catalog = await held.open();
    assert.deepEqual(await held.catalog.annotations.pins({}), [pin, other]);
    assert.deepEqual(await held.catalog.annotations.pins({ hwid: null }), [pin]);
    assert.equal(await held.catalog.annotations.removePin(1), true);
    assert.equal(await held.catalog.annotations.removePin(1), false);
    assert.deepEqual(await held.catalog.annotations.pins({}), [other]);
  });

  it("replaces a device's health and tells of it at once", async () => {
    const state = (condition: string) => ({ hwid: "mic-1", condition, sinceMs: 7, evidence: { share: 0.5 } });
    const event = { type: "health.changed", hwid: "mic-1", data: { conditions: ["dead"] } } as const;
    await held.catalog.annotations.setHealth("mic-1", [state("dead"), state("clipping")], event);
    assert.deepEqual(await held.catalog.annotations.health(), [state("clipping"), state("dead")]);
    await held.catalog.annotations.setHealth("mic-1", [], event);
    assert.deepEqual(await held.catalog.annotations.health(["mic-1"]), []);
    const events = await held.catalog.events.read({ afterId: 0, limit: 9 });
    assert.deepEqual(
      events.map(({ type, data }) => [type, data]),
      [
        ["health.changed", event.data],
        ["health.changed", event.data],
      ],
    );
  });
});

describe("Annotations.deleteSegments", () => {
  it("takes segments out with all that hangs on them, tells it, and leaves pinned ones", async () => {
    for (const index of [0, 1, 2]) await add({ index }, ["bin", "json"]);
    await held.catalog.annotations.addPin({
      ...{ hwid: "mic-1", fromMs: sessionStartMs + 10_000, toMs: sessionStartMs + 20_000, note: "" },
    });
    const gone = await remove(1, 2, 3, 99);
    assert.deepEqual(
      gone.map(({ id }) => id),
      [1, 3],
    );
    assert.deepEqual(
      (await held.catalog.reader.segments({ limit: 9 })).rows.map(({ id, isPinned }) => [id, isPinned]),
      [[2, true]],
    );
    assert.equal(held.catalog.uploads.counts().pending, 2);
    const events = await held.catalog.events.read({ afterId: 0, limit: 99, types: ["segment.deleted"] });
    assert.deepEqual(
      events.map(({ data }) => [data["segment_id"], data["reason"], data["name"]]),
      [
        [1, "old", finishedSegment().sidecar.name],
        [3, "old", finishedSegment({ index: 2 }).sidecar.name],
      ],
    );
  });

  it("notes what is to be removed, until it is", async () => {
    await add({}, ["bin", "wav", "json"]);
    const [bin, wav, json] = held.catalog.uploads.claim(9, nowMs);
    held.catalog.uploads.markStored([{ id: bin!.id, ...stored }]);
    held.catalog.uploads.markFailed(wav!.id, { code: "UPLOAD_FAILED", reason: "500", nextTryMs: nowMs + 1 });
    held.catalog.uploads.release([json!.id]);
    await remove(1);
    await held.catalog.close();
    held.catalog = await held.open();
    const pending = await held.catalog.annotations.pendingDeletions(9);
    const { name } = finishedSegment().sidecar;
    assert.deepEqual(pending, [{ id: 1, name, folder: "mic-1", hwid: "mic-1", keys: ["k"], unverifiedKinds: ["wav"] }]);
    await held.catalog.annotations.markDeleted([1]);
    assert.deepEqual(await held.catalog.annotations.pendingDeletions(9), []);
  });

  it("waits for uploads in flight, and removes what they brought", async () => {
    await add({}, ["bin", "wav", "json"]);
    const [bin, wav, json] = held.catalog.uploads.claim(9, nowMs);
    await remove(1);
    const pending = () => held.catalog.annotations.pendingDeletions(9);
    held.catalog.uploads.markStored([{ id: bin!.id, ...stored }]);
    held.catalog.uploads.markFailed(wav!.id, { code: "UPLOAD_FAILED", reason: "500", nextTryMs: nowMs });
    assert.deepEqual(await pending(), []);
    held.catalog.uploads.release([json!.id]);
    assert.deepEqual(
      (await pending()).map(({ keys, unverifiedKinds }) => [keys, unverifiedKinds]),
      [[["k"], ["bin", "wav", "json"]]],
    );
    assert.equal((await held.catalog.reader.segments({ limit: 9 })).rows.length, 0);
    const types = (await held.catalog.events.read({ afterId: 0, limit: 99 })).map(({ type }) => type);
    assert.ok(!types.includes("segment.stored"));
  });

  it("waits no longer for uploads of a run that has ended", async () => {
    await add({}, ["bin"]);
    held.catalog.uploads.claim(9, nowMs);
    await remove(1);
    held.catalog.uploads.resetInterrupted();
    assert.equal((await held.catalog.annotations.pendingDeletions(9)).length, 1);
  });

  it("does not let a segment come back whose files are about to go", async () => {
    await add();
    await remove(1);
    await add({ content: "b" });
    assert.equal((await held.catalog.reader.segments({ limit: 9 })).rows.length, 0);
    await held.catalog.annotations.markDeleted([1]);
    await add({ content: "b" });
    assert.equal((await held.catalog.reader.segments({ limit: 9 })).rows.length, 1);
  });

  it("never gives the id of a deleted segment again: who repeats a deletion deletes nothing else", async () => {
    await held.catalog.addSegment(finishedSegment(), [], { isBackfill: false });
    await held.catalog.annotations.deleteSegments({ segmentIds: [1], reason: "test" });
    await held.catalog.addSegment(finishedSegment({ session: "s2" }), [], { isBackfill: false });
    const again = await held.catalog.annotations.deleteSegments({ segmentIds: [1], reason: "test" });
    assert.deepEqual(again, []);
    assert.deepEqual(
      (await held.catalog.reader.segments({ limit: 9 })).rows.map(({ id, session }) => [id, session]),
      [[2, "s2"]],
    );
  });

  it("forgets a plain session with its last segment, but not where an acknowledged one stands", async () => {
    await add();
    await held.catalog.endSession("s1", nowMs);
    await add({ session: "a", sidecar: { acked: true } });
    await add({ session: "a", index: 1, sidecar: { acked: true } });
    await remove(1, 3);
    assert.equal(await held.catalog.reader.session("s1"), undefined);
    const next = async () => {
      const point = await held.catalog.resumePoint("a");
      return [point?.next.seq, point?.next.sample, point?.nextIndex];
    };
    assert.deepEqual(await next(), [1000, 320_000, 2]);
    await remove(2);
    assert.deepEqual(await next(), [1000, 320_000, 2]);
    assert.equal(await held.catalog.uploadedNext("a"), 1000);
    await add({ session: "a", index: 2, sidecar: { acked: true } });
    assert.deepEqual(await next(), [1500, 480_000, 3]);
  });
});
