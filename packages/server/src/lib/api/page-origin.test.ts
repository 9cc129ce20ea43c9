import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestError } from "../kernel/errors.ts";
import { checkOrigin, isOfOwnPage, type PageRequest } from "./page-origin.ts";

const host = "eet.local:8080";
const isRefused = (error: unknown) => error instanceof RequestError && error.code === "ORIGIN_REFUSED";
const check = (request: Omit<PageRequest, "isTls"> & Partial<PageRequest>, publicUrl?: string) =>
  checkOrigin({ isTls: false, ...request }, publicUrl);

describe("checkOrigin", () => {
  it("lets programs change things, which send no Origin", () => {
    for (const method of ["POST", "PATCH", "DELETE"]) check({ method, headers: { host } });
  });

  it("lets pages of the server itself", () => {
    check({ method: "DELETE", headers: { host, origin: "http://eet.local:8080" } });
    check({ method: "DELETE", headers: { host: "EET.local", origin: "https://eet.local" }, isTls: true });
    check({
      method: "POST",
      headers: { host, origin: "http://eet.local:8080", "sec-fetch-site": "same-origin" },
    });
  });

  it("refuses pages of others, those without an origin of their own too", () => {
    for (const origin of [
      "http://evil.example",
      "null",
      "",
      "http://eet.local",
      "http://eet.local:8081",
      "http://eet.local:8080.evil.example",
      "http://evil.example/eet.local:8080",
    ]) {
      assert.throws(() => check({ method: "DELETE", headers: { host, origin } }), isRefused, origin);
    }
    assert.throws(() => check({ method: "POST", headers: { origin: "http://eet.local:8080" } }), isRefused);
  });

  it("refuses pages in clear text where the server is found by TLS, which anybody on the way can make", () => {
    const headers = { host: "eet.local", origin: "http://eet.local" };
    check({ method: "POST", headers });
    check({ method: "POST", headers }, "https://elsewhere.example");
    check({ method: "POST", headers }, "http://eet.local");
    assert.throws(() => check({ method: "POST", headers, isTls: true }), isRefused);
    assert.throws(() => check({ method: "POST", headers }, "https://eet.local"), isRefused);
    const other = { host: "192.0.2.7:5096", origin: "http://192.0.2.7:5096" };
    check({ method: "POST", headers: other }, "https://eet.local");
  });

  it("takes a page by https for the server's own where a proxy has ended TLS", () => {
    const headers = { host: "eet.local", origin: "https://eet.local" };
    check({ method: "POST", headers });
    check({ method: "POST", headers }, "https://eet.local");
    assert.throws(
      () => check({ method: "POST", headers: { ...headers, origin: "chrome-extension://eet.local" } }),
      isRefused,
    );
  });

  it("believes a browser that says it comes from another site", () => {
    for (const site of ["cross-site", "same-site"]) {
      assert.throws(() => check({ method: "PATCH", headers: { host, "sec-fetch-site": site } }), isRefused);
    }
  });

  it("lets anybody read: without CORS headers a page of another site does not get the answer", () => {
    for (const method of ["GET", "HEAD"]) check({ method, headers: { host, origin: "http://evil.example" } });
  });
});

describe("isOfOwnPage", () => {
  it("needs an Origin, of the scheme by which the server is found", () => {
    const own = { host: "eet.local", origin: "https://eet.local" };
    assert.ok(isOfOwnPage({ headers: own, isTls: true }));
    assert.ok(!isOfOwnPage({ headers: { host: "eet.local" }, isTls: true }));
    assert.ok(!isOfOwnPage({ headers: { ...own, origin: "http://eet.local" }, isTls: true }));
    assert.ok(!isOfOwnPage({ headers: { ...own, origin: "http://eet.local" }, isTls: false }, "https://eet.local"));
  });
});
