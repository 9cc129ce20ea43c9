import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OidcRoles, readClaim, readName } from "./oidc-roles.ts";
import type { Role } from "./token.ts";

const issuer = "https://login.example.org";
const roleOfValue = new Map<string, Role>([
  ["ops", "operator"],
  ["boss", "admin"],
]);
const person = (groups: readonly string[]) => ({ issuer, subject: "1", groups });

describe("OidcRoles", () => {
  it("gives the best role of the groups, whatever their order, and none for others", () => {
    const roles = new OidcRoles({ issuer, roleOfValue });
    assert.equal(roles.roleOf(person(["x", "boss", "ops"])), "admin");
    assert.equal(roles.roleOf(person(["ops", "x"])), "operator");
    for (const groups of [[], ["x"], ["*"], ["OPS"]]) assert.equal(roles.roleOf(person(groups)), undefined);
    assert.equal(roles.roleOf({ ...person(["boss"]), issuer: "https://other.example" }), undefined);
    assert.deepEqual(roles.narrow(person(["x", "ops"])).groups, ["ops"]);
  });

  it("gives everybody what * stands for", () => {
    const roles = new OidcRoles({ issuer, roleOfValue: new Map([...roleOfValue, ["*", "viewer"]]) });
    assert.deepEqual([roles.roleOf(person([])), roles.roleOf(person(["boss"]))], ["viewer", "admin"]);
    assert.equal(roles.grantsAdmin, true);
    assert.equal(new OidcRoles({ issuer, roleOfValue: new Map([["*", "viewer"]]) }).grantsAdmin, false);
  });
});

describe("readClaim", () => {
  it("reads a text, a list, and what lies within others", () => {
    assert.deepEqual(readClaim({ groups: "ops" }, "groups"), ["ops"]);
    assert.deepEqual(readClaim({ groups: ["a", 7, null, "b", "*"] }, "groups"), ["a", "b"]);
    assert.deepEqual(readClaim({ realm_access: { roles: ["a"] } }, "realm_access.roles"), ["a"]);
    assert.deepEqual(readClaim({ "https://x.example/roles": ["a"] }, "https://x.example/roles"), ["a"]);
    for (const name of ["groups", "a.b", "toString", "__proto__.x"]) assert.equal(readClaim({ a: 1 }, name), undefined);
  });

  it("takes an address for somebody's only where the provider has verified it", () => {
    const email = "ann@example.org";
    assert.deepEqual(readClaim({ email, email_verified: true }, "email"), [email]);
    for (const verified of [undefined, false, "true"]) {
      assert.deepEqual(readClaim({ email, email_verified: verified }, "email"), []);
    }
  });
});

describe("readName", () => {
  it("is what the provider calls the person, on one line", () => {
    assert.equal(readName({ sub: "1", name: "Ann", preferred_username: "ann" }), "ann");
    assert.equal(readName({ sub: "1", email: "a\nb@example.org" }), "a b@example.org");
    assert.equal(readName({ sub: "1", name: " " }), "1");
    assert.equal(readName({ sub: "x".repeat(500) }).length, 100);
  });
});
