import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRetentionPolicy, formatAge, formatQuotaSize } from "./retention-policy.ts";

const dayMs = 86_400_000;

describe("createRetentionPolicy", () => {
  it("is off without limits", () => {
    const policy = createRetentionPolicy({ retentionMaxAgeD: 0, retentionMaxGb: 0 }, new Map([["mic", {}]]));
    assert.equal(policy.isOff, true);
    assert.deepEqual(policy.quotaOf("mic"), { maxAgeMs: undefined, maxBytes: undefined });
  });

  it("gives every device the age of all, and one with an age of its own that", () => {
    const devices = new Map([
      ["short", { retentionMaxAgeD: 0.5 }],
      ["ever", { retentionMaxAgeD: 0 }],
      ["big", { retentionMaxGb: 2 }],
    ]);
    const policy = createRetentionPolicy({ retentionMaxAgeD: 30, retentionMaxGb: 100 }, devices);
    assert.equal(policy.isOff, false);
    assert.equal(policy.maxBytes, 100e9);
    assert.deepEqual(policy.quotaOf(null), { maxAgeMs: 30 * dayMs, maxBytes: undefined });
    assert.deepEqual(policy.quotaOf("short"), { maxAgeMs: dayMs / 2, maxBytes: undefined });
    assert.deepEqual(policy.quotaOf("ever"), { maxAgeMs: undefined, maxBytes: undefined });
    assert.deepEqual(policy.quotaOf("big"), { maxAgeMs: 30 * dayMs, maxBytes: 2e9 });
  });

  it("is not off where one device alone has a quota", () => {
    const devices = new Map([["mic", { retentionMaxGb: 1 }]]);
    assert.equal(createRetentionPolicy({ retentionMaxAgeD: 0, retentionMaxGb: 0 }, devices).isOff, false);
  });
});

describe("formatAge", () => {
  it("counts days", () => {
    assert.deepEqual([formatAge(dayMs), formatAge(30 * dayMs), formatAge(dayMs / 2)], ["1 day", "30 days", "0.5 days"]);
  });
});

describe("formatQuotaSize", () => {
  it("counts in 10^9 bytes", () => {
    assert.deepEqual([formatQuotaSize(50e9), formatQuotaSize(1_234_567)], ["50 GB", "1.235 MB"]);
  });
});
