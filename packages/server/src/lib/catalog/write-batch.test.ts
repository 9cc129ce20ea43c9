import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { type Write, WriteBatch } from "./write-batch.ts";

/** Runs what it is given; counts the transactions. */
function countingCommit(): { sizes: number[]; commit: (writes: readonly Write[]) => (Error | undefined)[] } {
  const sizes: number[] = [];
  return {
    sizes,
    commit: (writes) => {
      sizes.push(writes.length);
      return writes.map((write) => {
        try {
          write();
          return undefined;
        } catch (error) {
          return error as Error;
        }
      });
    },
  };
}

const noWrite = () => {};

describe("WriteBatch", () => {
  it("commits the writes of a window together, in their order", async () => {
    const { sizes, commit } = countingCommit();
    const batch = new WriteBatch(commit, { windowMs: 5, limit: 100 });
    const done: number[] = [];
    await Promise.all([1, 2, 3].map((n) => batch.add(() => done.push(n))));
    assert.deepEqual(done, [1, 2, 3]);
    await batch.add(noWrite);
    assert.deepEqual(sizes, [3, 1]);
  });

  it("commits at once when the limit is reached, and no sooner", async () => {
    const { sizes, commit } = countingCommit();
    const batch = new WriteBatch(commit, { windowMs: 60_000, limit: 3 });
    const writes = [batch.add(noWrite), batch.add(noWrite)];
    assert.deepEqual(sizes, []);
    writes.push(batch.add(noWrite));
    assert.deepEqual(sizes, [3]);
    await Promise.all(writes);
  });

  it("starts a window of its own after a flush", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { sizes, commit } = countingCommit();
      const batch = new WriteBatch(commit, { windowMs: 50, limit: 3 });
      const first = batch.add(noWrite);
      mock.timers.tick(40);
      batch.flush();
      const second = batch.add(noWrite);
      mock.timers.tick(49);
      assert.deepEqual(sizes, [1]);
      mock.timers.tick(1);
      assert.deepEqual(sizes, [1, 1]);
      await Promise.all([first, second]);
    } finally {
      mock.timers.reset();
    }
  });

  it("rejects the write that fails alone, and all of them when the transaction fails", async () => {
    const alone = new WriteBatch(countingCommit().commit, { windowMs: 5, limit: 2 });
    const outcomes = await Promise.allSettled([
      alone.add(() => {
        throw new Error("refused");
      }),
      alone.add(noWrite),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );

    const failing = () => {
      throw new Error("disk full");
    };
    const whole = new WriteBatch(failing, { windowMs: 5, limit: 2 });
    const writes = [whole.add(noWrite), whole.add(noWrite)];
    for (const write of writes) await assert.rejects(write, /disk full/);
  });

  it("is done with a write only when it is secured, and not with one that failed alone", async () => {
    const securing = Promise.withResolvers<void>();
    const batch = new WriteBatch(countingCommit().commit, { windowMs: 5, limit: 2, secure: () => securing.promise });
    let isDone = false;
    const failed = batch.add(() => {
      throw new Error("refused");
    });
    const secured = batch.add(noWrite).then(() => {
      isDone = true;
    });
    await assert.rejects(failed, /refused/);
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    securing.resolve();
    await secured;

    const secure = () => Promise.reject(new Error("not durable"));
    const insecure = new WriteBatch(countingCommit().commit, { windowMs: 5, limit: 2, secure });
    const writes = [insecure.add(noWrite), insecure.add(noWrite)];
    for (const write of writes) await assert.rejects(write, /not durable/);
  });

  it("flushes nothing when nothing waits", () => {
    const { sizes, commit } = countingCommit();
    new WriteBatch(commit, { windowMs: 5, limit: 2 }).flush();
    assert.deepEqual(sizes, []);
  });
});
