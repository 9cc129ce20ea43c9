import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecentValues } from "./recent-values.ts";

describe("RecentValues", () => {
  it("keeps what was used last, up to its bound", async () => {
    const fetched: string[] = [];
    const values = new RecentValues<string>(3, (value) => value.length);
    const get = (key: string) =>
      values.get(key, async () => {
        fetched.push(key);
        return "x";
      });
    for (const key of ["a", "b", "c", "a", "d", "a", "c", "b"]) await get(key);
    assert.deepEqual(fetched, ["a", "b", "c", "d", "b"]);
  });

  it("fetches once what is asked for twice at a time", async () => {
    const values = new RecentValues<number>(10, () => 1);
    const gate = Promise.withResolvers<number>();
    const both = Promise.all([values.get("a", () => gate.promise), values.get("a", async () => 2)]);
    gate.resolve(1);
    assert.deepEqual(await both, [1, 1]);
  });

  it("forgets what failed", async () => {
    const values = new RecentValues<number>(10, () => 1);
    await assert.rejects(
      values.get("a", () => Promise.reject(new Error("no"))),
      { message: "no" },
    );
    assert.equal(await values.get("a", async () => 3), 3);
  });

  it("keeps nothing that is larger than its bound", async () => {
    const values = new RecentValues<number>(10, (value) => value);
    assert.equal(await values.get("a", async () => 11), 11);
    assert.equal(await values.get("a", async () => 5), 5);
  });
});
