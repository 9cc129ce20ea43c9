import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sanitizeHwid } from "./hwid.ts";

describe("sanitizeHwid", () => {
  it("keeps letters, digits, '-' and '_' [P-1.8]", () => {
    assert.equal(sanitizeHwid("Mic-07_left"), "Mic-07_left");
  });

  it("turns ':' and '.' into '_', so that dots never lead out of a folder [P-1.8]", () => {
    assert.equal(sanitizeHwid("a4:cf:12.77"), "a4_cf_12_77");
    assert.equal(sanitizeHwid(".a."), "_a_");
    assert.equal(sanitizeHwid(".."), undefined);
    assert.equal(sanitizeHwid("a..b"), undefined);
  });

  it("takes 1 to 64 characters [P-1.8]", () => {
    assert.equal(sanitizeHwid(""), undefined);
    assert.equal(sanitizeHwid("a"), "a");
    assert.equal(sanitizeHwid("a".repeat(63)), "a".repeat(63));
    assert.equal(sanitizeHwid("a".repeat(64)), "a".repeat(64));
    assert.equal(sanitizeHwid("a".repeat(65)), undefined);
  });

  it("refuses any other character instead of dropping it [P-1.8]", () => {
    assert.equal(sanitizeHwid("a/b"), undefined);
    assert.equal(sanitizeHwid("../etc"), undefined);
    assert.equal(sanitizeHwid("a\\b"), undefined);
    assert.equal(sanitizeHwid("%2e%2e"), undefined);
    assert.equal(sanitizeHwid("a b"), undefined);
    assert.equal(sanitizeHwid("mic\n"), undefined);
    assert.equal(sanitizeHwid("mic\0"), undefined);
    assert.equal(sanitizeHwid("münchen"), undefined);
    assert.equal(sanitizeHwid("k\u212A"), undefined);
  });

  it("reserves echo [P-1.8]", () => {
    assert.equal(sanitizeHwid("echo"), undefined);
    assert.equal(sanitizeHwid("echo1"), "echo1");
  });

  it("gives for any text a safe file name that it keeps as it is, or nothing", () => {
    const idLike = fc.string({ unit: fc.constantFrom(..."aZ09-_:./%é"), maxLength: 70 });
    fc.assert(
      fc.property(fc.oneof(fc.string(), idLike), (raw) => {
        const hwid = sanitizeHwid(raw);
        if (hwid === undefined) {
          assert.ok(!/^[A-Za-z0-9_:.-]{1,64}$/.test(raw) || raw === "echo" || raw.includes(".."));
        } else {
          assert.match(hwid, /^[A-Za-z0-9_-]{1,64}$/);
          assert.equal(sanitizeHwid(hwid), hwid);
        }
      }),
    );
  });
});
