import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReconnectTiming, reconnectRuleOf } from "./reconnect-timing.ts";

describe("ReconnectTiming", () => {
  it("doubles the bound of the jitter from 500 ms up to 30 s, on top of what the server asked for", () => {
    const timing = new ReconnectTiming(() => 0.999_999);
    const delaysMs = Array.from({ length: 8 }, () => timing.nextDelayMs(10_000) - 10_000);
    assert.deepEqual(delaysMs, [499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999]);
    assert.equal(timing.attempt, 8);
  });

  it("jitters fully", () => {
    assert.equal(new ReconnectTiming(() => 0).nextDelayMs(30_000), 30_000);
    assert.equal(new ReconnectTiming(() => 0.5).nextDelayMs(0), 250);
  });

  it("begins anew after progress", () => {
    const timing = new ReconnectTiming(() => 0.5);
    timing.nextDelayMs(0);
    timing.nextDelayMs(0);
    timing.reset();
    assert.equal(timing.nextDelayMs(0), 250);
  });
});

describe("reconnectRuleOf", () => {
  const refused = (status: number) => reconnectRuleOf({ kind: "refused", status, message: undefined, fix: undefined });

  it("goes by status and close code [P-2.8]", () => {
    assert.deepEqual(refused(401), { action: "stop" });
    assert.deepEqual(refused(429), { action: "reconnect", minDelayMs: 30_000 });
    assert.deepEqual(reconnectRuleOf({ kind: "closed-by-server", code: 4507, reason: "" }), {
      action: "reconnect",
      minDelayMs: 10_000,
    });
    assert.deepEqual(reconnectRuleOf({ kind: "closed-by-server", code: 4409, reason: "" }), { action: "stop" });
  });

  it("tries again what broke, and stops where it was ended on purpose", () => {
    const atOnce = { action: "reconnect", minDelayMs: 0 };
    assert.deepEqual(reconnectRuleOf({ kind: "dropped", cause: undefined }), atOnce);
    assert.deepEqual(reconnectRuleOf({ kind: "unreachable", cause: undefined }), atOnce);
    assert.deepEqual(reconnectRuleOf({ kind: "clean" }), { action: "stop" });
    assert.deepEqual(reconnectRuleOf({ kind: "aborted" }), { action: "stop" });
  });
});
