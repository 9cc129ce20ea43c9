import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSecret, hashSecret, includesRole, isSameHash, isTokenValid, roles, type Token } from "./token.ts";

describe("createSecret", () => {
  it("makes 256 random bits behind a prefix that tells whom it is for", () => {
    const made = Array.from({ length: 200 }, () => createSecret("device"));
    for (const secret of made) assert.match(secret, /^eet_d_[\w-]{43}$/);
    assert.equal(new Set(made).size, made.length);
    assert.match(createSecret("api"), /^eet_a_[\w-]{43}$/);
  });
});

describe("isSameHash", () => {
  it("compares whole hashes, and takes none of another length for the same", () => {
    const hash = hashSecret("eet_a_x");
    assert.ok(isSameHash(hash, hashSecret("eet_a_x")));
    for (let at = 0; at < hash.length; at++) {
      const other = Buffer.from(hash);
      other[at] = (other[at] ?? 0) ^ 1;
      assert.ok(!isSameHash(hash, other), `byte ${at}`);
    }
    assert.ok(!isSameHash(hash, hash.subarray(1)));
    assert.ok(!isSameHash(hash, Buffer.alloc(0)));
  });
});

describe("hashSecret", () => {
  it("takes no more time for what nobody was given, however long it is", () => {
    assert.deepEqual(hashSecret("x".repeat(1_000_000)), hashSecret("x".repeat(200)));
  });
});

describe("includesRole", () => {
  it("lets each role what those before it may, and nothing else", () => {
    for (const [rank, role] of roles.entries()) {
      for (const [neededRank, needed] of roles.entries()) assert.equal(includesRole(role, needed), rank >= neededRank);
    }
  });
});

describe("isTokenValid", () => {
  it("ends at the moment that it says, and when it is revoked", () => {
    const token = { expiresMs: 100, revokedMs: null } as Token;
    assert.deepEqual(
      [99, 100].map((nowMs) => isTokenValid(token, nowMs)),
      [true, false],
    );
    assert.equal(isTokenValid({ ...token, expiresMs: null }, 1e15), true);
    assert.equal(isTokenValid({ ...token, expiresMs: null, revokedMs: 1 }, 0), false);
  });
});
