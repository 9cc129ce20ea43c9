import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail } from "../../../../../test/support/settings-layers.ts";

describe("SettingsError", () => {
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

  it("never holds a secret", () => {
    const spaced = `${secret} ${secret}`;
    const errors = [
      fail({ environment: { S3_ENABLED: "x", AWS_SECRET_ACCESS_KEY: spaced, AWS_SESSION_TOKEN: spaced } }),
      fail({ environment: { S3_PROVIDER: "scaleway", SCW_SECRET_KEY: spaced, SCW_ACCESS_KEY: spaced } }),
      fail({ dotenv: { S3_SECRET_KEY: secret } }),
      fail({ file: { S3: { SecretAccessKey: secret }, Secret: secret } }),
      fail({ file: { S3: secret, Devices: secret } }),
      fail({ file: secret }),
      fail({ flags: { "s3-service-url": `https://user:${secret}@host` } }),
      fail({ coreCount: 1, appsettings: `{"S3": {"SecretAccessKey": ${secret}}}` }),
    ];
    for (const error of errors) {
      const everything = `${error.stack} ${JSON.stringify(error)} ${error.cause}`;
      assert.ok(!everything.includes(secret.slice(0, 8)), everything);
    }
  });
});
