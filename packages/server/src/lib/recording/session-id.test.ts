import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { randomSessionId, sessionIdOf, wireSessionOf } from "./session-id.ts";

describe("randomSessionId", () => {
  it("makes 12 characters of base 32, each time others", () => {
    const ids = Array.from({ length: 1_000 }, randomSessionId);
    for (const id of ids) assert.match(id, /^[0-9a-v]{12}$/);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(ids.join("")).size, 32);
  });
});

describe("sessionIdOf", () => {
  it("gives the id that wireSessionOf has put on the wire [P-2.1]", () => {
    for (const id of [
      "000000000001",
      "00000000000v",
      "vvvvvvvvvvvv",
      ...Array.from({ length: 100 }, randomSessionId),
    ]) {
      assert.equal(sessionIdOf(wireSessionOf(id)), id);
    }
    assert.equal(wireSessionOf("000000000010"), 32n);
  });

  it("knows no id for 0 and for numbers that are too large", () => {
    assert.equal(sessionIdOf(0n), undefined);
    assert.equal(sessionIdOf(2n ** 60n), undefined);
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 60n, max: 2n ** 64n - 1n }), (session) => {
        assert.equal(sessionIdOf(session), undefined);
      }),
    );
  });
});
