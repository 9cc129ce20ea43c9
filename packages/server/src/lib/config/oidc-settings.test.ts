import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "../../../../../test/support/settings-layers.ts";
import { SettingsError } from "./settings-error.ts";

const issuer = "https://login.example.org/realms/eet";
const loadOidc = (Oidc: object, environment: Readonly<Record<string, string>> = {}) =>
  load({ file: { Oidc }, environment }).settings.oidc;
const refuses = (Oidc: object, message: RegExp) =>
  assert.throws(
    () => loadOidc({ ClientId: "eet", ...Oidc }),
    (error: unknown) => error instanceof SettingsError && message.test(error.message),
    JSON.stringify(Oidc),
  );

describe("readOidcSettings", () => {
  it("is off without an issuer, and asks for a client id with one", () => {
    assert.equal(loadOidc({}).issuer, undefined);
    assert.throws(() => loadOidc({ Issuer: issuer }), /Oidc:ClientId is required/);
  });

  it("gives roles by the values of a claim, those with commas and equals signs too", () => {
    const Roles = "eet-admins=admin; cn=ops,dc=example=operator ;*=viewer";
    const { roleOfValue, roleClaim, scopes } = loadOidc({ Issuer: issuer, ClientId: "eet", Roles });
    assert.deepEqual(Object.fromEntries(roleOfValue), {
      "eet-admins": "admin",
      "cn=ops,dc=example": "operator",
      "*": "viewer",
    });
    assert.deepEqual([roleClaim, scopes], ["groups", "openid profile email"]);
    assert.equal(loadOidc({ Issuer: issuer, ClientId: "eet" }).roleOfValue.size, 0);
  });

  it("refuses roles that are none, and values that are named twice", () => {
    for (const Roles of ["admins", "admins=owner", "=admin", "a=admin;a=viewer", "a=admin;"])
      refuses({ Roles }, /Oidc:Roles/);
  });

  it("takes an issuer without TLS from this machine alone", () => {
    for (const good of [issuer, "http://localhost:8080", "http://127.0.0.1:8080/x", "http://[::1]:80"]) {
      assert.equal(loadOidc({ Issuer: good, ClientId: "eet" }).issuer, good);
    }
    for (const bad of [
      "http://login.example.org",
      "http://127.0.0.1.example.org",
      "https://u:p@x",
      "https://x?a",
      "x",
    ]) {
      refuses({ Issuer: bad }, /Oidc:Issuer/);
    }
  });

  it("takes the secret from a variable alone", () => {
    refuses({ ClientSecret: "s3cr3t" }, /Oidc:ClientSecret/);
    const found = loadOidc({ Issuer: issuer, ClientId: "eet" }, { EET_OIDC_CLIENT_SECRET: "s3cr3t" });
    assert.equal(found.clientSecret, "s3cr3t");
  });
});
