import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomSessionId } from "./session-id.ts";

describe("randomSessionId", () => {
  it("makes 8 characters of base 32, each time others", () => {
    const ids = Array.from({ length: 1_000 }, randomSessionId);
    for (const id of ids) assert.match(id, /^[0-9a-v]{8}$/);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(ids.join("")).size, 32);
  });
});
