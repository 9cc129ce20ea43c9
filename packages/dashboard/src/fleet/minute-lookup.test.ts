import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { MinuteLookup } from "./minute-lookup.ts";

/** A server that answers when it is told to. */
function makeLookup(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_800_000_000_000 });
  const asked: string[] = [];
  const reads: { readonly hwid: string; readonly signal: AbortSignal; end(isWhole: boolean | Error): void }[] = [];
  const lookup = new MinuteLookup((hwid, signal) => {
    asked.push(hwid);
    return new Promise((resolve, reject) => {
      const end = (isWhole: boolean | Error) => (isWhole instanceof Error ? reject(isWhole) : resolve(isWhole));
      reads.push({ hwid, signal, end });
    });
  });
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms);
    await settle();
    t.mock.timers.tick(0);
  };
  /** Ends what was asked first. */
  const answer = async (isWhole: boolean | Error = true) => {
    reads.shift()?.end(isWhole);
    await settle();
    await pass(0);
  };
  return { lookup, asked, reads, answer, pass };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe("MinuteLookup", () => {
  it("reads devices that stay on screen in their order, three at a time, each once", async (t) => {
    const { lookup, asked, answer, pass } = makeLookup(t);
    const hwids = ["a", "b", "c", "d", "e"];
    lookup.show(hwids);
    lookup.want(hwids);
    await pass(299);
    assert.deepEqual(asked, []);
    await pass(1);
    assert.deepEqual(asked, ["a", "b", "c"]);
    await answer();
    assert.deepEqual(asked, ["a", "b", "c", "d"]);
    lookup.want(hwids);
    for (let count = 0; count < 4; count += 1) await answer();
    await pass(60_000);
    assert.deepEqual(asked, hwids);
  });

  it("drops what has left the screen, whether it waits or is being read, and keeps within its bound", async (t) => {
    const { lookup, asked, reads, answer, pass } = makeLookup(t);
    lookup.show(["a", "b", "c", "d", "e"]);
    lookup.want(["a", "b", "c", "d", "e"]);
    await pass(300);
    lookup.show(["b", "c", "e", "f"]);
    lookup.want(["f"]);
    assert.deepEqual(
      reads.map(({ hwid, signal }) => [hwid, signal.aborted]),
      [
        ["a", true],
        ["b", false],
        ["c", false],
      ],
    );
    await pass(1_000);
    assert.deepEqual(asked, ["a", "b", "c"], "the server may still be at it");
    for (let count = 0; count < 5; count += 1) await answer();
    assert.deepEqual(asked, ["a", "b", "c", "e", "f"]);
  });

  it("passes by a thousand devices without asking", async (t) => {
    const { lookup, asked, pass } = makeLookup(t);
    for (let first = 0; first < 1_000; first += 20) {
      const hwids = Array.from({ length: 40 }, (_, index) => `m${first + index}`);
      lookup.show(hwids);
      lookup.want(hwids);
      await pass(120);
      lookup.show([]);
    }
    await pass(60_000);
    assert.deepEqual(asked, []);
  });

  it("asks again for what was not written yet, and after failures, behind the others and not for ever", async (t) => {
    const { lookup, asked, answer, pass } = makeLookup(t);
    lookup.show(["a", "b", "c", "d"]);
    lookup.want(["a", "b", "c", "d"]);
    await pass(300);
    await answer(false);
    await answer(new TypeError("the server is away"));
    await answer();
    await answer();
    assert.deepEqual(asked, ["a", "b", "c", "d"]);
    for (let count = 0; count < 5; count += 1) {
      await pass(1_500);
      await answer(false);
      await answer(false);
    }
    assert.deepEqual(asked, ["a", "b", "c", "d", "a", "b", "a", "b"]);
  });

  it("asks again for a device that comes back, and for one whose levels stood still", async (t) => {
    const { lookup, asked, answer, pass } = makeLookup(t);
    lookup.show(["a"]);
    lookup.want(["a"]);
    await pass(300);
    await answer();
    lookup.show([]);
    lookup.show(["a"]);
    lookup.want(["a"]);
    await pass(300);
    await answer();
    assert.deepEqual(asked, ["a", "a"]);
    lookup.want(["a"]);
    await pass(5_000);
    assert.deepEqual(asked, ["a", "a"]);
    lookup.want(["a"]);
    await pass(300);
    assert.deepEqual(asked, ["a", "a", "a"]);
  });
});
