import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findObstacle, problemOf, problemTexts } from "./microphone-problem.ts";

describe("problemOf", () => {
  it("tells what a person can act on", () => {
    const names = ["NotAllowedError", "NotFoundError", "OverconstrainedError", "NotReadableError", "TypeError"];
    const found = names.map((name) => problemOf(new DOMException("", name)));
    assert.deepEqual(found, ["denied", "none", "gone", "busy", "failed"]);
    for (const problem of found) assert.ok(problemTexts[problem].steps.length > 0);
  });
});

describe("findObstacle", () => {
  it("blames plain http first, as it hides the rest", () => {
    assert.equal(findObstacle(false, false, false), "insecure");
    assert.equal(findObstacle(true, true, false), "unsupported");
    assert.equal(findObstacle(true, true, true), undefined);
  });
});
