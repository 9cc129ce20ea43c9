import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FinishPace } from "./finish-pace.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Work that ends when it is told to. */
function start(pace: FinishPace, count: number) {
  const running: (() => void)[] = [];
  const all = Array.from({ length: count }, () =>
    pace.run(() => {
      const { promise, resolve } = Promise.withResolvers<void>();
      running.push(resolve);
      return promise;
    }),
  );
  return { running, all: Promise.all(all) };
}

describe("FinishPace", () => {
  it("lets one run, and the next when it is through, in order", async () => {
    const pace = new FinishPace(4);
    const { running, all } = start(pace, 3);
    for (let count = 1; count <= 3; count++) {
      await turn();
      assert.equal(running.length, count);
      running.at(-1)?.();
    }
    await all;
  });

  it("lets more run where many wait, up to the threads that there are", async () => {
    const pace = new FinishPace(3);
    const { running, all } = start(pace, 10_000);
    await turn();
    running[0]?.();
    await turn();
    assert.equal(running.length, 4);
    pace.hurry();
    for (let ended = 1; ended < 10_000; ended++) {
      await turn();
      running[ended]?.();
    }
    await all;
  });

  it("lets all threads work when it is to hurry", async () => {
    const pace = new FinishPace(4);
    const { running, all } = start(pace, 6);
    await turn();
    assert.equal(running.length, 1);
    pace.hurry();
    await turn();
    assert.equal(running.length, 4);
    for (let ended = 0; ended < 6; ended++) {
      await turn();
      running[ended]?.();
    }
    await all;
  });

  it("goes on after work that fails", async () => {
    const pace = new FinishPace(1);
    const failing = pace.run(() => Promise.reject(new Error("as if")));
    const next = pace.run(async () => "done");
    await assert.rejects(failing, /as if/);
    assert.equal(await next, "done");
  });
});
