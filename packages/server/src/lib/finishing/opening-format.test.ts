import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOpening } from "./opening-format.ts";
import { makeOpening } from "./segment-fixture.test-support.ts";

describe("parseOpening", () => {
  it("reads what the recorder writes", () => {
    const opening = makeOpening();
    assert.deepEqual(parseOpening(JSON.stringify(opening)), opening);
  });

  it("refuses every truncation and other versions", () => {
    const text = JSON.stringify(makeOpening());
    for (let length = 0; length < text.length; length++) assert.equal(parseOpening(text.slice(0, length)), undefined);
    assert.equal(parseOpening(text.replace("eet.open/1", "eet.open/2")), undefined);
    assert.equal(parseOpening("null"), undefined);
    assert.equal(parseOpening("7"), undefined);
  });
});
