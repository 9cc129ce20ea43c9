import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSettings, formatSettingsJson, listSettings, maskSecret } from "./format-settings.ts";
import { loadSettings } from "./load-settings.ts";
import { allSettings, createDeviceSection } from "./settings.ts";

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const effective = loadSettings({
  coreCount: 2,
  flags: { port: "0" },
  environment: {
    S3_ENABLED: "true",
    S3_PREFIX: "/",
    AWS_BUCKET: "bucket",
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: "short",
  },
  appsettings: '{"Devices":{"probe-1":{"NibbleOrder":"high"}}}',
});

describe("listSettings", () => {
  it("has a row for every setting and every device's", () => {
    assert.deepEqual(
      listSettings(effective).map(({ key }) => key),
      [...allSettings, ...createDeviceSection("probe-1").settings].map(({ key }) => key),
    );
  });

  it("has the source of each value in effect", () => {
    const unused = loadSettings({ coreCount: 2, environment: { AWS_PROFILE: "p", AWS_ACCESS_KEY_ID: "AKIAEXAMPLE" } });
    const row = listSettings(unused).find(({ key }) => key === "S3:AccessKeyId");
    assert.deepEqual(row, { key: "S3:AccessKeyId", value: null, source: { layer: "default" } });
  });
});

describe("formatSettings", () => {
  it("aligns key, value and source", () => {
    const lines = formatSettings(effective).split("\n");
    const line = (key: string) => lines.find((candidate) => candidate.startsWith(`${key} `))?.split(/ {2,}/);
    assert.deepEqual(line("Server:Port"), ["Server:Port", "0", "flag --port"]);
    assert.deepEqual(line("Server:RotateS"), ["Server:RotateS", "10", "default"]);
    assert.deepEqual(line("S3:Bucket"), ["S3:Bucket", "bucket", "AWS_BUCKET in the environment"]);
    assert.deepEqual(line("S3:Region"), ["S3:Region", "(not set)", "default"]);
    assert.deepEqual(line("S3:Prefix"), ["S3:Prefix", '""', "S3_PREFIX in the environment"]);
    assert.deepEqual(line("S3:SecretAccessKey"), [
      "S3:SecretAccessKey",
      "****EKEY",
      "AWS_SECRET_ACCESS_KEY in the environment",
    ]);
    assert.deepEqual(line("Devices:probe-1:NibbleOrder"), [
      "Devices:probe-1:NibbleOrder",
      "high",
      "Devices:probe-1:NibbleOrder in appsettings.json",
    ]);
  });
});

describe("formatSettingsJson", () => {
  it("is the rows as JSON", () => {
    assert.deepEqual(JSON.parse(formatSettingsJson(effective)), listSettings(effective));
  });

  it("shows no secret, as the table shows none", () => {
    for (const output of [formatSettings(effective), formatSettingsJson(effective)]) {
      assert.ok(!output.includes(secret.slice(0, 8)));
      assert.ok(!output.includes("AKIAIOSF"));
      assert.ok(!output.includes('"short"') && !/\bshort\b/.test(output));
    }
  });
});

describe("maskSecret", () => {
  it("leaves the last 4 of more than 12 characters", () => {
    assert.equal(maskSecret("123456789012"), "****");
    assert.equal(maskSecret("1234567890123"), "****0123");
    assert.equal(maskSecret(""), "****");
  });
});
