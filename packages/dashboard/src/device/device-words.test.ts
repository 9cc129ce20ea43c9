import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findTagFault, parseTags } from "./device-words.ts";

describe("parseTags", () => {
  it("takes what stands between commas, each once", () => {
    assert.deepEqual(parseTags(" barn, ground  floor,, barn ,x"), ["barn", "ground floor", "x"]);
    assert.deepEqual(parseTags(" , "), []);
  });
});

describe("findTagFault", () => {
  it("tells what the API would refuse", () => {
    assert.equal(findTagFault(["a", "b".repeat(64)]), "");
    assert.match(findTagFault(["b".repeat(65)]), /longer than 64/);
    assert.match(findTagFault(Array.from({ length: 33 }, (_, at) => `${at}`)), /these are 33/);
  });
});
