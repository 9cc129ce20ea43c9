import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostPolicy } from "../access/host-policy.ts";
import { RequestError } from "../kernel/errors.ts";
import { checkHost } from "./access-guard.ts";

describe("checkHost", () => {
  const hosts = new HostPolicy({ host: "127.0.0.1", allowedHosts: "eet.local" });

  it("lets what names this server", () => {
    for (const name of ["127.0.0.1:5096", "localhost", "eet.local:8080"]) checkHost({ headers: { host: name } }, hosts);
  });

  it("refuses what names another, and tells which", () => {
    assert.throws(
      () => checkHost({ headers: { host: "evil.example" } }, hosts),
      (error: unknown) =>
        error instanceof RequestError && error.row.httpStatus === 421 && /"evil\.example"/.test(error.message),
    );
  });
});
