import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { describeHwidFault, isHwid } from "./hwid.ts";

describe("describeHwidFault", () => {
  it("names what is wrong", () => {
    assert.match(describeHwidFault("barn 1") ?? "", /^“barn 1” has a space: .* only$/);
    assert.match(describeHwidFault("bärn") ?? "", /^“bärn” has “ä”:/);
    assert.match(describeHwidFault("a🎤") ?? "", /has “🎤”:/);
    assert.match(describeHwidFault("") ?? "", /one character at least/);
    assert.match(describeHwidFault("echo") ?? "", /name of a test/);
    assert.match(describeHwidFault("x".repeat(65)) ?? "", /64 characters at most/);
  });

  it("finds a fault in just what is no id", () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{1,70}$/));
    fc.assert(fc.property(text, (id) => (describeHwidFault(id) === undefined) === isHwid(id)));
  });
});
