import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSettingValue } from "./setting-value.ts";
import { allSettings, createDeviceSection } from "./settings.ts";

describe("allSettings", () => {
  it("has defaults that are allowed", () => {
    for (const setting of allSettings)
      if (setting.fallback !== undefined)
        assert.equal(parseSettingValue(setting, setting.fallback), setting.fallback, setting.key);
  });

  it("gives every name to one setting only, in whatever case", () => {
    const names = allSettings.flatMap(({ key, flag, environment, variables }) => [
      key,
      ...(flag === undefined ? [] : [`--${flag}`]),
      ...environment,
      ...Object.values(variables ?? {}),
    ]);
    assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length);
  });

  it("puts the provider before every setting that has provider variables", () => {
    const provider = allSettings.findIndex(({ key }) => key === "S3:Provider");
    const dependent = allSettings.findIndex(({ variables }) => variables !== undefined);
    assert.ok(provider >= 0 && provider < dependent);
  });

  it("keeps secrets out of flags and files", () => {
    const secrets = allSettings.filter(({ secret }) => secret);
    assert.deepEqual(
      secrets.map(({ key }) => key),
      ["Oidc:ClientSecret", "Events:WebhookSecret", "S3:AccessKeyId", "S3:SecretAccessKey", "S3:SessionToken"],
    );
    for (const { flag, isInFile } of secrets) assert.ok(flag === undefined && !isInFile);
  });
});

describe("createDeviceSection", () => {
  it("names the settings below the device", () => {
    assert.deepEqual(
      createDeviceSection("probe-1").settings.map(({ key }) => key),
      ["NibbleOrder", "AdpcmLayout", "RetentionMaxAgeD", "RetentionMaxGb"].map((name) => `Devices:probe-1:${name}`),
    );
  });
});
