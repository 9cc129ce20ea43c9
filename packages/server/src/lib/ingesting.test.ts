import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { workersByCores } from "./ingesting.ts";

describe("workersByCores", () => {
  it("leaves a core to people, and takes four at most", () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 64].map(workersByCores), [0, 1, 2, 3, 4, 4, 4]);
  });
});
