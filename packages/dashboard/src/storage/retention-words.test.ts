import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describePolicy, nameVariables, suggestQuotaGb } from "./retention-words.ts";

describe("describePolicy", () => {
  it("says nothing where nothing ever leaves", () => {
    assert.deepEqual(describePolicy({ max_age_days: null, max_bytes: null, devices: [] }), []);
  });

  it("tells the quotas of all, and where a device has its own", () => {
    const devices = [
      { hwid: "front-door", max_age_days: 90, max_bytes: null },
      { hwid: "test-rig", max_age_days: 30, max_bytes: 5e9 },
      { hwid: "vault", max_age_days: null, max_bytes: null },
      { hwid: "like-all", max_age_days: 30, max_bytes: null },
      { hwid: "big", max_age_days: null, max_bytes: 1e12 },
    ];
    assert.deepEqual(describePolicy({ max_age_days: 30, max_bytes: 5e11, devices }), [
      "Recordings older than 30 days leave this disk.",
      "Above 500 GB in all, the oldest leave.",
      "Of front-door they leave after 90 days.",
      "Of test-rig they leave above 5.0 GB.",
      "Of vault recordings stay whatever their age.",
      "Of big recordings stay whatever their age, but leave above 1.0 TB.",
    ]);
  });
});

describe("suggestQuotaGb", () => {
  it("gives a round number that fits on the disk", () => {
    assert.deepEqual([271e9, 1e12, 20e9, 1.4e9, 0].map(suggestQuotaGb), [200, 700, 10, 1, 1]);
  });
});

describe("nameVariables", () => {
  it("names what is written into .env", () => {
    assert.equal(
      nameVariables("Correct S3:Bucket and S3:ServiceUrl; `eet config` shows them."),
      "Correct `S3_BUCKET` and `S3_SERVICE_URL`; `eet config` shows them.",
    );
  });
});
