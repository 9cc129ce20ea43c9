import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../kernel/errors.ts";
import { type EffectiveSettings, loadSettings, type SettingsInput } from "./load-settings.ts";
import { allSettings, type S3Settings, type ServerSettings } from "./settings.ts";
import { SettingsError } from "./settings-error.ts";

type Layers = Omit<SettingsInput, "coreCount" | "appsettings"> & { readonly file?: unknown };

function load({ file, ...layers }: Layers = {}): EffectiveSettings {
  return loadSettings({ coreCount: 4, ...layers, appsettings: file === undefined ? undefined : JSON.stringify(file) });
}

function loadServer(layers: Layers): ServerSettings {
  return load(layers).settings.server;
}

function loadS3(layers: Layers): S3Settings {
  return load(layers).settings.s3;
}

function fail(layers: Layers | SettingsInput): SettingsError {
  try {
    "coreCount" in layers ? loadSettings(layers) : load(layers);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    assert.equal(error.code, "CONFIG_INVALID");
    return error;
  }
  return assert.fail("the settings were accepted");
}

describe("loadSettings", () => {
  it("gives the documented defaults when nothing is set", () => {
    const { settings, sources } = load();
    assert.deepEqual(settings.server, {
      host: "127.0.0.1",
      port: 5096,
      data: "data",
      rotateS: 10,
      rotateAlign: false,
      flushMs: 1000,
      gapFill: "silence",
      wav: true,
      layout: "{hwid}",
      finishWorkers: 3,
      maxConnections: 0,
      shutdownTimeoutS: 30,
      logLevel: "info",
    });
    assert.deepEqual(settings.s3, {
      enabled: false,
      provider: "aws",
      forcePathStyle: false,
      prefix: "received",
      uploadBin: true,
      uploadWav: true,
      deleteAfterUpload: false,
      maxInFlight: 4,
      credentials: { kind: "default-chain" },
    });
    assert.equal(settings.devices.size, 0);
    for (const { key } of allSettings) assert.deepEqual(sources.get(key), { layer: "default" });
  });

  it("keeps one finishing thread on a single core", () => {
    assert.equal(loadSettings({ coreCount: 1 }).settings.server.finishWorkers, 1);
  });

  it("takes each setting from the strongest layer that sets it", () => {
    const file = { Server: { Port: 1 } };
    const dotenv = { EET_PORT: "2" };
    const environment = { EET_PORT: "3" };
    const flags = { port: "4" };
    assert.equal(loadServer({ file }).port, 1);
    assert.equal(loadServer({ file, dotenv }).port, 2);
    assert.equal(loadServer({ file, dotenv, environment }).port, 3);
    assert.equal(loadServer({ file, dotenv, environment, flags }).port, 4);
  });

  it("tells where each setting comes from", () => {
    const { sources } = load({
      flags: { port: "4" },
      environment: { eet_host: "::1" },
      dotenv: { S3__Prefix: "p" },
      file: { s3: { UPLOADWAV: false } },
    });
    assert.deepEqual(sources.get("Server:Port"), { layer: "flag", name: "--port" });
    assert.deepEqual(sources.get("Server:Host"), { layer: "environment", name: "eet_host" });
    assert.deepEqual(sources.get("S3:Prefix"), { layer: ".env", name: "S3__Prefix" });
    assert.deepEqual(sources.get("S3:UploadWav"), { layer: "appsettings.json", name: "s3:UPLOADWAV" });
    assert.deepEqual(sources.get("S3:Region"), { layer: "default" });
  });

  it("passes an unset or blank value on to the next layer", () => {
    const file = { Server: { Port: 1, Host: null } };
    const { port, host } = loadServer({ flags: { port: undefined }, environment: { EET_PORT: "" }, file });
    assert.deepEqual([port, host], [1, "127.0.0.1"]);
  });

  it("reads every setting by each of its names, in any case", () => {
    const samples: Record<string, string> = {
      "S3:Enabled": "false",
      boolean: "true",
      integer: "60",
      number: "0.5",
      "S3:Bucket": "bucket",
      "S3:Region": "nl-ams",
      "S3:ServiceUrl": "https://s3.example.org",
      "S3:Provider": "scaleway",
      "Server:GapFill": "skip",
      "Server:LogLevel": "warn",
    };
    for (const setting of allSettings) {
      const type = "type" in setting.schema ? String(setting.schema.type) : "";
      const sample = samples[setting.key] ?? samples[type] ?? "sample";
      const sourceOf = (layers: Layers) => load(layers).sources.get(setting.key)?.name;
      for (const name of setting.environment) {
        assert.equal(sourceOf({ environment: { [name]: sample } }), name);
        assert.equal(sourceOf({ dotenv: { [name.toLowerCase()]: sample } }), name.toLowerCase());
      }
      if (setting.flag !== undefined)
        assert.equal(sourceOf({ flags: { [setting.flag]: sample } }), `--${setting.flag}`);
      if (setting.isInFile) {
        const [section = "", name = ""] = setting.key.toUpperCase().split(":");
        assert.equal(sourceOf({ file: { [section]: { [name]: sample } } }), setting.key.toUpperCase());
      }
    }
  });

  it("takes flags as the parser gives them: texts and booleans", () => {
    const { wav, rotateAlign, rotateS } = loadServer({ flags: { wav: false, "rotate-align": true, "rotate-s": "60" } });
    assert.deepEqual([wav, rotateAlign, rotateS], [false, true, 60]);
  });

  it("takes a path such as S3:Bucket at the top of the file for the nested one", () => {
    assert.equal(loadS3({ file: { "S3:Bucket": "bucket" } }).bucket, "bucket");
  });
});

describe("loadSettings for S3", () => {
  it("takes every variable of the S3 section", () => {
    const environment = {
      S3_ENABLED: "true",
      S3_PROVIDER: "aws",
      S3_BUCKET: "bucket",
      S3_REGION: "eu-central-1",
      S3_SERVICEURL: "https://s3.example.org",
      S3_FORCEPATHSTYLE: "true",
      S3_PREFIX: "site",
      S3_UPLOADBIN: "false",
      S3_UPLOADWAV: "false",
      S3_DELETEAFTERUPLOAD: "true",
      S3_MAXINFLIGHT: "8",
    };
    const nested = {
      S3__Enabled: "true",
      S3__Provider: "aws",
      S3__Bucket: "bucket",
      S3__Region: "eu-central-1",
      S3__ServiceUrl: "https://s3.example.org",
      S3__ForcePathStyle: "true",
      S3__Prefix: "site",
      S3__UploadBin: "false",
      S3__UploadWav: "false",
      S3__DeleteAfterUpload: "true",
      S3__MaxInFlight: "8",
    };
    const expected = {
      enabled: true,
      provider: "aws",
      bucket: "bucket",
      region: "eu-central-1",
      serviceUrl: "https://s3.example.org",
      forcePathStyle: true,
      prefix: "site",
      uploadBin: false,
      uploadWav: false,
      deleteAfterUpload: true,
      maxInFlight: 8,
      credentials: { kind: "default-chain" },
    };
    assert.deepEqual(loadS3({ environment }), expected);
    assert.deepEqual(loadS3({ dotenv: nested }), expected);
    assert.deepEqual(
      loadS3({
        file: { S3: Object.fromEntries(Object.entries(nested).map(([name, value]) => [name.slice(4), value])) },
      }),
      expected,
    );
  });

  it("takes the AWS variables", () => {
    const environment = {
      S3_ENABLED: "1",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_BUCKET: "aws-bucket",
      AWS_REGION: "eu-west-1",
    };
    const { bucket, region, credentials } = loadS3({ environment });
    assert.deepEqual([bucket, region], ["aws-bucket", "eu-west-1"]);
    assert.deepEqual(credentials, {
      kind: "static",
      accessKeyId: "AKIAEXAMPLE",
      secretAccessKey: "secret",
      sessionToken: "token",
    });
  });

  it("takes AWS_PROFILE from .env", () => {
    assert.deepEqual(loadS3({ dotenv: { AWS_PROFILE: "recorder" } }).credentials, {
      kind: "profile",
      profile: "recorder",
    });
  });

  it("takes the Scaleway variables and leaves AWS_* unused", () => {
    const environment = {
      S3_ENABLED: "true",
      S3_PROVIDER: "scaleway",
      SCW_ACCESS_KEY: "SCWEXAMPLE",
      SCW_SECRET_KEY: "scw-secret",
      SCW_DEFAULT_ORGANIZATION_ID: "organization",
      SCW_DEFAULT_PROJECT_ID: "project",
      SCW_BUCKET: "scw-bucket",
      SCW_REGION: "nl-ams",
      SCW_SERVICE_URL: "https://s3.nl-ams.example.org",
      SCW_FORCE_PATH_STYLE: "true",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "aws-secret",
      AWS_SESSION_TOKEN: "token",
      AWS_PROFILE: "profile",
      AWS_BUCKET: "aws-bucket",
      AWS_REGION: "eu-west-1",
    };
    const s3 = loadS3({ environment });
    assert.deepEqual(s3.credentials, { kind: "static", accessKeyId: "SCWEXAMPLE", secretAccessKey: "scw-secret" });
    assert.equal(s3.bucket, "scw-bucket");
    assert.equal(s3.region, "nl-ams");
    assert.equal(s3.serviceUrl, "https://s3.nl-ams.example.org");
    assert.equal(s3.forcePathStyle, true);
    assert.equal(s3.organizationId, "organization");
    assert.equal(s3.projectId, "project");
  });

  it("does not read SCW_* for aws, not even to check it", () => {
    const dotenv = { SCW_BUCKET: "scw-bucket", SCW_REGION: "nl-ams", SCW_FORCE_PATH_STYLE: "maybe" };
    const { bucket, region, forcePathStyle } = loadS3({ dotenv });
    assert.deepEqual([bucket, region, forcePathStyle], [undefined, undefined, false]);
  });

  it("completes region and service URL", () => {
    const scaleway = loadS3({ flags: { "s3-provider": "scaleway" } });
    assert.deepEqual([scaleway.region, scaleway.serviceUrl], ["fr-par", "https://s3.fr-par.scw.cloud"]);
    const warsaw = loadS3({ environment: { S3_PROVIDER: "scaleway", SCW_REGION: "pl-waw" } });
    assert.equal(warsaw.serviceUrl, "https://s3.pl-waw.scw.cloud");
    assert.equal(loadS3({ environment: { S3_SERVICE_URL: "http://localhost:9000" } }).region, "us-east-1");
    assert.equal(loadS3({}).region, undefined);
  });

  it("prefers S3__X over S3_X over the provider's variable within a layer", () => {
    const environment = { AWS_BUCKET: "third", S3_BUCKET: "second", S3__Bucket: "first" };
    assert.equal(loadS3({ environment }).bucket, "first");
    assert.equal(loadS3({ environment: { ...environment, S3__Bucket: undefined } }).bucket, "second");
    assert.equal(loadS3({ environment: { AWS_BUCKET: "third" } }).bucket, "third");
    assert.equal(
      loadS3({ environment: { S3_SERVICE_URL: "http://b", S3_SERVICEURL: "http://a" } }).serviceUrl,
      "http://a",
    );
  });

  it("prefers the stronger layer over the stronger name", () => {
    const { bucket } = loadS3({
      environment: { AWS_BUCKET: "from-environment" },
      file: { S3: { Bucket: "from-file" } },
    });
    assert.equal(bucket, "from-environment");
  });

  it("prefers capitals where names differ only in case", () => {
    assert.equal(loadS3({ environment: { s3_bucket: "small", S3_BUCKET: "capital" } }).bucket, "capital");
    assert.equal(loadS3({ environment: { S3_BUCKET: "capital", s3_bucket: "small" } }).bucket, "capital");
  });

  it("uses the profile or the key, whichever a stronger layer sets, and the profile when both do", () => {
    const key = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    const profile = { AWS_PROFILE: "recorder" };
    assert.equal(loadS3({ environment: key, dotenv: profile }).credentials.kind, "static");
    assert.equal(loadS3({ environment: profile, dotenv: key }).credentials.kind, "profile");
    assert.equal(loadS3({ environment: { ...key, ...profile } }).credentials.kind, "profile");
  });

  it("does not join a session token to the key of a stronger layer", () => {
    const environment = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    const dotenv = { AWS_SESSION_TOKEN: "of another key" };
    assert.throws(() => load({ dotenv, environment }), /AWS_SESSION_TOKEN/);
    const { credentials } = loadS3({ environment, dotenv: { AWS_SESSION_TOKEN: "of-another-key" } });
    assert.deepEqual(credentials, { kind: "static", accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" });
  });

  it("requires the bucket while enabled, and names what sets it", () => {
    const { issues } = fail({ environment: { S3_ENABLED: "true" } });
    assert.deepEqual(
      issues.map(({ code, key }) => [code, key]),
      [["CONFIG_MISSING", "S3:Bucket"]],
    );
    for (const name of ["S3__Bucket", "S3_BUCKET", "AWS_BUCKET", "--s3-bucket", "S3:Bucket", "appsettings.json"])
      assert.ok(issues[0]?.message.includes(name), name);
    assert.match(fail({ flags: { "s3-enabled": true, "s3-provider": "scaleway" } }).message, /SCW_BUCKET/);
  });

  it("requires both halves of a key, and a key for Scaleway, while enabled", () => {
    const enabled = { S3_ENABLED: "true", S3_BUCKET: "bucket" };
    const keysOf = (environment: Record<string, string>) =>
      fail({ environment: { ...enabled, ...environment } }).issues.map(({ code, key }) => `${code} ${key}`);
    const [accessKey, secret] = ["CONFIG_MISSING S3:AccessKeyId", "CONFIG_MISSING S3:SecretAccessKey"];
    assert.deepEqual(keysOf({ AWS_ACCESS_KEY_ID: "AKIAEXAMPLE" }), [secret]);
    assert.deepEqual(keysOf({ AWS_SECRET_ACCESS_KEY: "secret" }), [accessKey]);
    assert.deepEqual(keysOf({ AWS_SESSION_TOKEN: "token" }), [accessKey, secret]);
    assert.deepEqual(keysOf({ S3_PROVIDER: "scaleway" }), [accessKey, secret]);
    assert.equal(loadS3({ environment: { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE" } }).enabled, false);
  });
});

describe("loadSettings for devices", () => {
  it("reads them by sanitised hwid", () => {
    const { settings, sources } = load({
      file: {
        devices: { "AA:BB.cc": { nibbleorder: "HIGH" }, "probe-1": { AdpcmLayout: "ms4", NibbleOrder: null }, x: {} },
      },
    });
    assert.deepEqual(
      [...settings.devices],
      [
        ["AA_BB_cc", { nibbleOrder: "high" }],
        ["probe-1", { adpcmLayout: "ms4" }],
        ["x", {}],
      ],
    );
    assert.equal(sources.get("Devices:AA_BB_cc:NibbleOrder")?.layer, "appsettings.json");
  });

  it("tells hwids apart by case", () => {
    assert.equal(load({ file: { Devices: { a: {}, A: {} } } }).settings.devices.size, 2);
  });

  it("refuses unusable and repeated hwids, unknown settings and bad values", () => {
    const Devices = {
      "../x": {},
      ["a".repeat(65)]: {},
      echo: {},
      "a:b": {},
      a_b: {},
      list: [],
      p: { NibbleOrder: "middle", NibleOrder: "low" },
    };
    const codes = fail({ file: { Devices } }).issues.map(({ code }) => code);
    assert.deepEqual(codes, [...Array(5).fill("CONFIG_BAD_VALUE"), "CONFIG_UNKNOWN_KEY", "CONFIG_BAD_VALUE"]);
    assert.match(fail({ file: { Devices } }).message, /did you mean Devices:p:NibbleOrder\?/);
  });

  it("takes a hwid such as __proto__ for what it is", () => {
    const { settings } = loadSettings({ coreCount: 1, appsettings: '{"Devices":{"__proto__":{"NibbleOrder":"low"}}}' });
    assert.deepEqual(settings.devices.get("__proto__"), { nibbleOrder: "low" });
  });
});

describe("loadSettings with faults", () => {
  it("names every fault at once, each with its place", () => {
    const error = fail({
      flags: { prt: "1" },
      environment: { EET_ROTATE_S: "0", S3_BUKET: "x", OTHER: "x", AWS_ANYTHING: "x" },
      dotenv: { eet_wavs: "1" },
      file: { Server: { Port: "abc" }, Logging: {} },
    });
    assert.deepEqual(
      error.issues.map(({ code, source }) => [code, source?.layer, source?.name]),
      [
        ["CONFIG_UNKNOWN_KEY", "flag", "--prt"],
        ["CONFIG_UNKNOWN_KEY", "environment", "S3_BUKET"],
        ["CONFIG_UNKNOWN_KEY", ".env", "eet_wavs"],
        ["CONFIG_UNKNOWN_KEY", "appsettings.json", "Logging"],
        ["CONFIG_BAD_VALUE", "appsettings.json", "Server:Port"],
        ["CONFIG_BAD_VALUE", "environment", "EET_ROTATE_S"],
      ],
    );
    assert.match(error.message, /did you mean --port\?/);
    assert.match(error.message, /did you mean S3_BUCKET\?/);
    assert.match(error.message, /did you mean EET_WAV\?/);
    assert.match(error.message, /Server:Port cannot be "abc" .*allowed: whole number, 0 to 65535/);
    for (const { message } of error.issues) assert.ok(error.message.includes(message));
  });

  it("checks values that a stronger layer hides", () => {
    assert.match(fail({ flags: { port: "1" }, file: { Server: { Port: "abc" } } }).message, /"abc"/);
  });

  it("does not call a setting missing whose value is bad", () => {
    const { issues } = fail({ environment: { S3_ENABLED: "true", S3_BUCKET: "s3://bucket" } });
    assert.deepEqual(
      issues.map(({ code }) => code),
      ["CONFIG_BAD_VALUE"],
    );
    const provider = fail({ environment: { S3_ENABLED: "true", S3_PROVIDER: "azure" } });
    assert.deepEqual(
      provider.issues.map(({ key }) => key),
      ["S3:Provider"],
    );
  });

  it("tells the place of a fault in appsettings.json", () => {
    const { issues } = fail({ coreCount: 1, appsettings: '{\n  // port\n  "Server": {}\n}' });
    assert.equal(issues[0]?.code, "CONFIG_BAD_FILE");
    assert.match(issues[0]?.message ?? "", /appsettings\.json, line 2, column 3: .*without comments/);
    assert.match(fail({ coreCount: 1, appsettings: "" }).message, /found the end/);
    assert.match(fail({ file: [] }).message, /must hold an object .* found a list/);
    assert.match(fail({ file: { S3: "x" } }).message, /S3 in appsettings\.json must be an object, found a string/);
  });

  it("keeps a name with a line break on one line", () => {
    assert.equal(fail({ environment: { "EET_A\nB": "1" } }).message.split("\n").length, 2);
  });
});

describe("loadSettings with any input", () => {
  const name = fc.oneof(
    fc.constantFrom(...allSettings.flatMap(({ environment, key }) => [...environment, key, key.split(":")[1] ?? ""])),
    fc.constantFrom("S3", "Server", "Devices", "__proto__", "constructor", "toString", "EET_", "S3_", "S3__"),
    fc.string(),
  );
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("true", "0", "-1", "1e9", "aws", "scaleway", "bucket", "http://x"),
  );
  const leaf = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));

  function assertLoadsOrRefuses(input: SettingsInput): void {
    try {
      loadSettings(input);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
    }
  }

  it("throws nothing but ConfigError for appsettings.json of the right shape", () => {
    const sections = fc.dictionary(
      name,
      fc.oneof(leaf, fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf)))),
    );
    fc.assert(
      fc.property(sections, (file) => assertLoadsOrRefuses({ coreCount: 2, appsettings: JSON.stringify(file) })),
      { numRuns: 500 },
    );
  });

  it("throws nothing but ConfigError for appsettings.json of any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant("[".repeat(50_000))), (appsettings) =>
        assertLoadsOrRefuses({ coreCount: 2, appsettings }),
      ),
    );
  });

  it("throws nothing but ConfigError for any variables and flags", () => {
    const variables = fc.dictionary(name, text);
    fc.assert(
      fc.property(variables, variables, fc.dictionary(name, leaf), (environment, dotenv, flags) =>
        assertLoadsOrRefuses({ coreCount: 2, environment, dotenv, flags }),
      ),
      { numRuns: 500 },
    );
  });
});

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
