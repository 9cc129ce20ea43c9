import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecoveredPace } from "./recovered-pace.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Starts work for each session, which ends when it is told to. */
function start(pace: RecoveredPace, sessions: readonly string[]) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const all = sessions.map((session) =>
    pace.run(session, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push(session);
      ends.push(resolve);
      return promise;
    }),
  );
  const endOne = async () => {
    ends.shift()?.();
    await turn();
  };
  return { begun, endOne, all: Promise.all(all) };
}

describe("RecoveredPace", () => {
  it("lets two run for each thread, the others in the order in which they came", async () => {
    const pace = new RecoveredPace(1);
    const { begun, endOne, all } = start(pace, ["a", "b", "c", "d", "c"]);
    await turn();
    assert.deepEqual(begun, ["a", "b"]);
    assert.equal(pace.waitingCount, 3);
    for (let count = 0; count < 5; count += 1) await endOne();
    await all;
    assert.deepEqual(begun, ["a", "b", "c", "c", "d"]);
    assert.equal(pace.waitingCount, 0);
  });

  it("lets go first whom somebody waits for, as long as he does", async () => {
    const pace = new RecoveredPace(1);
    const { begun, endOne, all } = start(pace, ["a", "b", "c", "d", "e", "d"]);
    const settled = Promise.withResolvers<void>();
    const preferred = pace.prefer("d", settled.promise);
    await endOne();
    await endOne();
    assert.deepEqual(begun, ["a", "b", "d", "d"]);
    settled.resolve();
    await preferred;
    for (let count = 0; count < 4; count += 1) await endOne();
    await all;
    assert.deepEqual(begun, ["a", "b", "d", "d", "c", "e"]);
  });

  it("goes on behind work that fails", async () => {
    const pace = new RecoveredPace(1);
    const failing = ["a", "b"].map((session) => pace.run(session, () => Promise.reject(new Error("as if"))));
    const next = pace.run("c", async () => "done");
    for (const one of failing) await assert.rejects(one, /as if/);
    assert.equal(await next, "done");
  });
});
