import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideNibbleOrder } from "./nibble-decision.ts";
import { makeOpening, pcmFormat } from "./segment-fixture.test-support.ts";

describe("decideNibbleOrder", () => {
  const { session } = makeOpening();
  const configured = makeOpening({ profile: { configuredNibbleOrder: "low", cachedNibbleOrder: "high" } }).session;
  const cached = makeOpening({ profile: { cachedNibbleOrder: "high" } }).session;

  it("has none for PCM", () => {
    assert.equal(decideNibbleOrder(makeOpening({ format: pcmFormat }).session, undefined, "high"), null);
  });

  it("believes the configuration before the frames [P-1.5]", () => {
    const verdict = { order: "high", source: "exact" } as const;
    assert.deepEqual(decideNibbleOrder(configured, verdict, "high"), { order: "low", source: "config" });
  });

  it("believes the frames before what was known earlier", () => {
    const exact = { order: "low", source: "exact" } as const;
    const statistical = { order: "low", source: "statistical" } as const;
    assert.deepEqual(decideNibbleOrder(cached, exact, "high"), exact);
    assert.deepEqual(decideNibbleOrder(cached, statistical, "high"), statistical);
  });

  it("believes the session's earlier segments before the device's earlier streams", () => {
    assert.deepEqual(decideNibbleOrder(cached, undefined, "low"), { order: "low", source: "cached" });
    assert.deepEqual(decideNibbleOrder(cached, undefined, undefined), { order: "high", source: "cached" });
  });

  it("takes low first where nothing is known", () => {
    assert.deepEqual(decideNibbleOrder(session, undefined, undefined), { order: "low", source: "default" });
  });
});
