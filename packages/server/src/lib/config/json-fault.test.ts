import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findJsonFault } from "./json-fault.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("findJsonFault", () => {
  it("agrees with JSON.parse on texts made of JSON's parts", () => {
    const part = fc.constantFrom(
      ...'{}[],:" \n\t\r\\/0-1.5e+tux\u0001\u007f\u2028\ud800',
      "true",
      "null",
      '"a"',
      '"\\u00e9"',
      "01",
      "1e5",
    );
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (json) => assert.equal(findJsonFault(json) === undefined, isJson(json))),
      { numRuns: 3000 },
    );
  });

  it("agrees with JSON.parse on JSON with one character taken out", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        assert.equal(findJsonFault(json), undefined);
        const torn = json.slice(0, at % json.length) + json.slice((at % json.length) + 1);
        assert.equal(findJsonFault(torn) === undefined, isJson(torn));
      }),
    );
  });

  it("tells the place, what could stand there and what does", () => {
    assert.deepEqual(findJsonFault('{\n  "a": 1\n  "b": 2\n}'), {
      line: 3,
      column: 3,
      expected: "',' or '}'",
      found: '"\\""',
    });
    assert.deepEqual(findJsonFault('{"a": 1,}'), { line: 1, column: 9, expected: "string", found: '"}"' });
    assert.deepEqual(findJsonFault('{"a"'), { line: 1, column: 5, expected: "':'", found: "the end" });
    assert.deepEqual(findJsonFault("{} x"), { line: 1, column: 4, expected: "the end", found: '"x"' });
  });

  it("finds the start of a string that does not end, in linear time", () => {
    const fault = findJsonFault(`{"a": "${"x\\n".repeat(200_000)}`);
    assert.equal(fault?.column, 7);
  });

  it("carries nesting as deep as the text is long", () => {
    assert.equal(findJsonFault("[".repeat(100_000) + "]".repeat(100_000)), undefined);
    assert.equal(findJsonFault("[".repeat(100_000))?.found, "the end");
  });

  it("shows one character of the text at most", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const fault = findJsonFault(`{"key": secret${text}`);
        assert.equal(fault?.found, '"s"');
      }),
    );
  });
});
