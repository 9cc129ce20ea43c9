import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseByteRange } from "./byte-range.ts";

describe("parseByteRange", () => {
  it("takes bounded, open and suffix ranges [RFC 9110, 14.1.2]", () => {
    assert.deepEqual(parseByteRange("bytes=0-0", 10), { kind: "part", start: 0, end: 1 });
    assert.deepEqual(parseByteRange("bytes=2-5", 10), { kind: "part", start: 2, end: 6 });
    assert.deepEqual(parseByteRange("bytes=9-", 10), { kind: "part", start: 9, end: 10 });
    assert.deepEqual(parseByteRange("bytes=-3", 10), { kind: "part", start: 7, end: 10 });
    assert.deepEqual(parseByteRange("BYTES= 2-5 ", 10), { kind: "part", start: 2, end: 6 });
  });

  it("cuts off what lies behind the end", () => {
    assert.deepEqual(parseByteRange("bytes=5-99", 10), { kind: "part", start: 5, end: 10 });
    assert.deepEqual(parseByteRange("bytes=-99", 10), { kind: "part", start: 0, end: 10 });
  });

  it("finds unsatisfiable what begins behind the end, and an empty suffix", () => {
    for (const [header, sizeBytes] of [
      ["bytes=10-", 10],
      ["bytes=10-12", 10],
      ["bytes=-0", 10],
      ["bytes=0-", 0],
      ["bytes=-5", 0],
    ] as const) {
      assert.deepEqual(parseByteRange(header, sizeBytes), { kind: "unsatisfiable" }, header);
    }
  });

  it("ignores other units, several ranges and what is malformed [RFC 9110, 14.2]", () => {
    for (const header of [
      undefined,
      "",
      "bytes",
      "bytes=",
      "bytes=-",
      "bytes=5-2",
      "bytes=a-b",
      "bytes=0-1,4-5",
      "items=0-5",
      "bytes=0x1-2",
    ]) {
      assert.deepEqual(parseByteRange(header, 10), { kind: "whole" }, header);
    }
  });

  it("never leaves the representation", () => {
    fc.assert(
      fc.property(fc.option(fc.nat(50)), fc.option(fc.nat(50)), fc.nat(40), (first, last, sizeBytes) => {
        const range = parseByteRange(`bytes=${first ?? ""}-${last ?? ""}`, sizeBytes);
        if (range.kind !== "part") return;
        assert.ok(range.start >= 0 && range.start < range.end && range.end <= sizeBytes);
      }),
    );
  });
});
