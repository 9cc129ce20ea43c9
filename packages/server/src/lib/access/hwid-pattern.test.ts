import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { matchesHwid, parseHwidPattern } from "./hwid-pattern.ts";

describe("parseHwidPattern", () => {
  it("writes an id as it is stored, and keeps * and ?", () => {
    assert.equal(parseHwidPattern("AA:BB.c-?*"), "AA_BB_c-?*");
    assert.equal(parseHwidPattern("a***"), "a*");
  });

  it("refuses what no id can be", () => {
    for (const text of ["", "a b", "a/b", "ä", "x".repeat(65), "[a]", "a\n"])
      assert.equal(parseHwidPattern(text), undefined);
  });
});

describe("matchesHwid", () => {
  it("takes a device without an id by * alone", () => {
    assert.deepEqual(
      ["*", "?", "kitchen", "**"].map((pattern) => matchesHwid(pattern, null)),
      [true, false, false, false],
    );
  });

  it("agrees with a regular expression", () => {
    const sign = fc.constantFrom("a", "b", "_", "*", "?");
    const letter = fc.constantFrom("a", "b", "_");
    fc.assert(
      fc.property(
        fc.string({ unit: sign, maxLength: 12 }),
        fc.string({ unit: letter, maxLength: 12 }),
        (pattern, hwid) => {
          const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
          assert.equal(matchesHwid(pattern, hwid), expression.test(hwid));
        },
      ),
    );
  });

  it("takes no longer for patterns that are made to be slow", () => {
    assert.equal(matchesHwid(`${"*a".repeat(30)}*b`, "a".repeat(64)), false);
  });
});
