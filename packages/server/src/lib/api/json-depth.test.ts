import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { jsonDepth } from "./json-depth.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("jsonDepth", () => {
  it("counts what lies within each other, whatever stands in texts", () => {
    assert.equal(jsonDepth('"[[[["'), 0);
    assert.equal(jsonDepth('{"a":"\\"[{","b":[1,{"c":"\\\\"}]}'), 3);
    assert.equal(jsonDepth("[".repeat(60_000)), 60_000);
  });

  it("looks no further than the first level too many", () => {
    assert.equal(jsonDepth(`[[[${"[".repeat(9)}`, 3), 4);
    assert.equal(jsonDepth("[[[]]]", 3), 3);
  });

  it("agrees with the parsed value", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => jsonDepth(JSON.stringify(value)) === depthOf(value)));
  });
});
