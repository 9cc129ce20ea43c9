import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wireErrors } from "./error-table.ts";
import { reconnectRuleOfClose, reconnectRuleOfStatus } from "./reconnect.ts";

describe("reconnectRuleOfClose", () => {
  it("stops where the same would happen again [P-2.8]", () => {
    const codes = [1000, 1009, 4400, 4401, 4403, 4409, 4413, 4415, 4422];
    assert.deepEqual(new Set(codes.map((code) => reconnectRuleOfClose(code).action)), new Set(["stop"]));
  });

  it("waits at least as long as the table says [P-2.8]", () => {
    const waits = [1001, 1006, 1011, 4408, 4429, 4503, 4507].map(reconnectRuleOfClose);
    assert.deepEqual(
      waits.map((rule) => rule.action === "reconnect" && rule.minDelayMs),
      [0, 0, 0, 0, 30_000, 10_000, 10_000],
    );
  });

  it("stops for each violation whose row forbids a new try, and for no other", () => {
    for (const [code, { ackCloseCode, retry }] of Object.entries(wireErrors)) {
      assert.equal(reconnectRuleOfClose(ackCloseCode).action, retry === "backoff" ? "reconnect" : "stop", code);
    }
  });
});

describe("reconnectRuleOfStatus", () => {
  it("retries what passes and stops at what does not", () => {
    assert.deepEqual(
      [400, 401, 403, 404, 408, 426, 429, 500, 502, 503].map((status) => reconnectRuleOfStatus(status).action),
      [..."ssssrsrrrr"].map((letter) => (letter === "s" ? "stop" : "reconnect")),
    );
  });
});
