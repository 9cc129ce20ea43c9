import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { closestName } from "./closest-name.ts";

const names = ["S3_BUCKET", "S3_PREFIX", "EET_PORT", "EET_HOST", "EET_DATA"];

describe("closestName", () => {
  it("finds the name behind a slip of the finger, in any case", () => {
    assert.equal(closestName("S3_BUKET", names), "S3_BUCKET");
    assert.equal(closestName("s3_buckets", names), "S3_BUCKET");
    assert.equal(closestName("EET_PROT", names), "EET_PORT");
  });

  it("prefers the nearest of several near names", () => {
    assert.equal(closestName("EET_POST", ["EET_PORTS", "EET_HOST", "EET_PORT"]), "EET_HOST");
    assert.equal(closestName("EET_PORTZ", ["EET_HOST", "EET_PORT"]), "EET_PORT");
  });

  it("finds nothing where a third of the name or more differs", () => {
    assert.equal(closestName("ABC", ["ABD"]), "ABD");
    assert.equal(closestName("ABC", ["AXY"]), undefined);
    assert.equal(closestName("", names), undefined);
    assert.equal(closestName("S3_SOMETHING_ELSE", names), undefined);
  });

  it("finds every name in itself, and in itself with one character more", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(10), (name, at) => {
        assert.equal(closestName(name, names), name);
        assert.equal(closestName(`${name.slice(0, at)}~${name.slice(at)}`, names), name);
      }),
    );
  });

  it("does not compare names of more than 64 characters", () => {
    assert.equal(closestName("a".repeat(64), ["a".repeat(63)]), "a".repeat(63));
    assert.equal(closestName("a".repeat(65), ["a".repeat(65)]), undefined);
  });
});
