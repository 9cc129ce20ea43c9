import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOpening } from "./opening-format.ts";
import { makeOpening } from "./segment-fixture.test-support.ts";

describe("parseOpening", () => {
  it("reads what the recorder writes", () => {
    for (const isAcked of [false, true]) {
      const opening = makeOpening({ isAcked });
      assert.deepEqual(parseOpening(JSON.stringify(opening)), opening);
    }
  });

  it("takes an opening of before there were acknowledgements for one of a plain session", () => {
    const opening = makeOpening();
    const { isAcked, ...session } = opening.session;
    assert.equal(isAcked, false);
    assert.deepEqual(parseOpening(JSON.stringify({ ...opening, session })), opening);
  });

  it("refuses every truncation and other versions", () => {
    const text = JSON.stringify(makeOpening());
    for (let length = 0; length < text.length; length++) assert.equal(parseOpening(text.slice(0, length)), undefined);
    assert.equal(parseOpening(text.replace("eet.open/1", "eet.open/2")), undefined);
    assert.equal(parseOpening("null"), undefined);
    assert.equal(parseOpening("7"), undefined);
  });
});
