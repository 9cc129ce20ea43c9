import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findCycle } from "./support/source-files.ts";

describe("findCycle", () => {
  it("finds one wherever it begins", () => {
    const graph = new Map([
      ["a", new Set(["b"])],
      ["b", new Set(["c", "d"])],
      ["d", new Set(["b"])],
    ]);
    assert.deepEqual(findCycle(graph), ["b", "d", "b"]);
    assert.equal(
      findCycle(
        new Map([
          ["a", new Set(["b", "c"])],
          ["b", new Set(["c"])],
        ]),
      ),
      undefined,
    );
  });
});
