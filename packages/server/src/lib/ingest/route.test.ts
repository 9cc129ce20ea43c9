import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseRoute, pathOf } from "./route.ts";

describe("parseRoute", () => {
  it("knows the three endpoints [P-1.8]", () => {
    assert.deepEqual(parseRoute("/ws"), { name: "device", hwid: null });
    assert.deepEqual(parseRoute("/ws/mic-7"), { name: "device", hwid: "mic-7" });
    assert.deepEqual(parseRoute("/ws/echo"), { name: "echo" });
  });

  it("takes /ws/ for /ws", () => {
    assert.deepEqual(parseRoute("/ws/"), { name: "device", hwid: null });
  });

  it("ignores the query string", () => {
    assert.deepEqual(parseRoute("/ws?hwid=a"), { name: "device", hwid: null });
    assert.deepEqual(parseRoute("/ws/mic-7?token=/ws/other"), { name: "device", hwid: "mic-7" });
    assert.deepEqual(parseRoute("/ws/echo?"), { name: "echo" });
  });

  it("gives the sanitised hwid [P-1.8]", () => {
    assert.deepEqual(parseRoute("/ws/a4:cf.12"), { name: "device", hwid: "a4_cf_12" });
    assert.deepEqual(parseRoute("/ws/.a"), { name: "device", hwid: "_a" });
  });

  it("refuses other characters, percent-encoded ones and lengths over 64 [P-1.8]", () => {
    assert.deepEqual(parseRoute("/ws/.."), { name: "bad-hwid", raw: ".." });
    assert.deepEqual(parseRoute("/ws/../etc"), { name: "bad-hwid", raw: "../etc" });
    assert.deepEqual(parseRoute("/ws/a/b"), { name: "bad-hwid", raw: "a/b" });
    assert.deepEqual(parseRoute("/ws/%2e%2e"), { name: "bad-hwid", raw: "%2e%2e" });
    assert.deepEqual(parseRoute("/ws/echo/"), { name: "bad-hwid", raw: "echo/" });
    assert.equal(parseRoute(`/ws/${"a".repeat(64)}`).name, "device");
    assert.equal(parseRoute(`/ws/${"a".repeat(65)}`).name, "bad-hwid");
    assert.equal(parseRoute("/ws/b\u00fcro").name, "bad-hwid");
  });

  it("knows nothing else", () => {
    assert.deepEqual(parseRoute(""), { name: "unknown" });
    assert.deepEqual(parseRoute("/"), { name: "unknown" });
    assert.deepEqual(parseRoute("/wss"), { name: "unknown" });
    assert.deepEqual(parseRoute("/WS"), { name: "unknown" });
    assert.deepEqual(parseRoute("//ws/a"), { name: "unknown" });
    assert.deepEqual(parseRoute("*"), { name: "unknown" });
  });

  it("never gives an id that could leave a folder", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ws/.:%2eA-_?é"), maxLength: 80 }), (tail) => {
        const route = parseRoute(`/ws/${tail}`);
        assert.ok(route.name !== "device" || route.hwid === null || /^[A-Za-z0-9_-]{1,64}$/.test(route.hwid));
      }),
    );
  });
});

describe("pathOf", () => {
  it("leaves out the query string, where a token may stand [P-3.1]", () => {
    assert.equal(pathOf("/ws/mic-7?token=secret?more"), "/ws/mic-7");
    assert.equal(pathOf("/ws/mic-7"), "/ws/mic-7");
  });
});
