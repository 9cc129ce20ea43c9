import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs } from "../kernel/clock.ts";
import { UploadError } from "../kernel/errors.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";

const error = new UploadError("UPLOAD_UNREACHABLE", "down");

function at(ms: number): MonotonicMs {
  return ms as MonotonicMs;
}

function openBreaker(): CircuitBreaker {
  const breaker = new CircuitBreaker({ failureLimit: 3, baseMs: 1000, capMs: 60_000 });
  for (const _ of [1, 2, 3]) breaker.failed(error, at(0));
  return breaker;
}

describe("CircuitBreaker", () => {
  it("stays closed until the failures in a row reach the limit", () => {
    const breaker = new CircuitBreaker({ failureLimit: 3 });
    breaker.failed(error, at(0));
    breaker.failed(error, at(0));
    breaker.succeeded();
    breaker.failed(error, at(0));
    breaker.failed(error, at(0));
    assert.equal(breaker.permits(4, at(0)), 4);
    breaker.failed(error, at(0));
    assert.equal(breaker.permits(4, at(0)), 0);
    assert.deepEqual(breaker.state, { kind: "open", error, probeCount: 0, probeMs: 1000 });
  });

  it("lets one probe at a time through when it is due", () => {
    const breaker = openBreaker();
    assert.equal(breaker.permits(4, at(999)), 0);
    assert.equal(breaker.permits(4, at(1000)), 1);
    assert.equal(breaker.permits(0, at(1000)), 0);
    breaker.started();
    assert.equal(breaker.permits(4, at(9999)), 0);
  });

  it("doubles the wait with each probe that fails, up to the cap", () => {
    const breaker = openBreaker();
    const waitsMs = Array.from({ length: 8 }, () => {
      breaker.started();
      breaker.failed(error, at(0));
      return breaker.state.kind === "open" ? breaker.state.probeMs : undefined;
    });
    assert.deepEqual(waitsMs, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("keeps the latest error", () => {
    const breaker = openBreaker();
    const denied = new UploadError("UPLOAD_DENIED", "wrong key");
    breaker.started();
    breaker.failed(denied, at(1000));
    assert.ok(breaker.state.kind === "open" && breaker.state.error === denied);
  });

  it("closes with the first success, whatever it came from", () => {
    const straggler = openBreaker();
    straggler.succeeded();
    const probe = openBreaker();
    probe.started();
    probe.succeeded();
    assert.deepEqual([straggler.permits(4, at(0)), probe.permits(4, at(0))], [4, 4]);
  });

  it("takes no notice of failures of uploads that had started before it opened", () => {
    const breaker = openBreaker();
    breaker.failed(error, at(500));
    assert.equal(breaker.permits(1, at(1000)), 1);
  });

  it("probes at once when somebody says that the store may be back, and else as before", () => {
    const breaker = openBreaker();
    breaker.hurry(at(200));
    assert.equal(breaker.permits(4, at(200)), 1);
    breaker.started();
    breaker.hurry(at(300));
    assert.equal(breaker.state.kind, "half-open");
    breaker.succeeded();
    breaker.hurry(at(400));
    assert.equal(breaker.permits(4, at(400)), 4);
  });

  it("probes again at once when a probe ended without a word from the store", () => {
    const breaker = openBreaker();
    breaker.started();
    breaker.probeAbandoned(at(1000));
    assert.deepEqual(breaker.state, { kind: "open", error, probeCount: 0, probeMs: 1000 });
  });
});
