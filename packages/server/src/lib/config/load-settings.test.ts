import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fail, type Layers, load } from "../../../../../test/support/settings-layers.ts";
import { ConfigError } from "../kernel/errors.ts";
import { loadSettings, type SettingsInput } from "./load-settings.ts";
import { allSettings, type ServerSettings } from "./settings.ts";

function loadServer(layers: Layers): ServerSettings {
  return load(layers).settings.server;
}

describe("loadSettings", () => {
  it("gives the documented defaults when nothing is set", () => {
    const { settings, sources } = load();
    assert.deepEqual(settings.server, {
      host: "127.0.0.1",
      port: 5096,
      plainHost: "127.0.0.1",
      tlsClients: "off",
      insecureOpen: false,
      tokenInUrl: false,
      data: "data",
      rotateS: 10,
      rotateAlign: false,
      flushMs: 1000,
      ackMs: 1000,
      coalesceMs: 60,
      ingestWorkers: "auto",
      gapFill: "silence",
      wav: true,
      layout: "{hwid}",
      finishWorkers: 4,
      maxConnections: 0,
      maxConnectionsPerDevice: 16,
      maxConnectionsPerAddress: 2_000,
      maxHandshakes: 4_096,
      maxSockets: 1_000,
      maxHeaderBytes: 16_384,
      headersTimeoutS: 15,
      requestTimeoutS: 30,
      keepAliveTimeoutS: 72,
      maxBodyBytes: 65_536,
      maxJsonDepth: 16,
      maxEchoBytes: 1_048_576,
      maxMessageBytes: 1_048_576,
      maxFragments: 2_048,
      maxControlFramesPerS: 100,
      maxFramesPerS: 20_000,
      maxRateFactor: 100,
      maxQueuedMb: 0,
      maxFailedLogins: 10,
      maxApiRequestsPerS: 100,
      maxExports: 16,
      maxPictures: 4,
      maxEventStreams: 100,
      maxViewers: 100,
      maxViewersPerAddress: 50,
      retentionMaxAgeD: 0,
      retentionMaxGb: 0,
      retentionIntervalMin: 10,
      simulatedDevices: 8,
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
    assert.equal(loadSettings({ coreCount: 1 }).settings.server.finishWorkers, 4);
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

  const webhookSecret = `whsec_${"A".repeat(32)}`;

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
      "Server:IngestWorkers": "AUTO",
      "Server:GapFill": "skip",
      "Server:LogLevel": "warn",
      "Events:WebhookUrl": "https://example.org/hook",
      "Events:WebhookSecret": webhookSecret,
      "Server:PublicUrl": "https://eet.example.org",
      "Oidc:Issuer": "https://login.example.org",
      "Oidc:Scopes": "openid groups",
      "Oidc:Roles": "staff=viewer",
      "Server:TlsClients": "optional",
      "Server:TrustedProxies": "10.0.0.0/8",
    };
    const tls = { EET_TLS_CERT: "a", EET_TLS_KEY: "b" };
    const clients = { ...tls, EET_TLS_CLIENTS: "required", EET_TLS_CLIENT_CA: "c" };
    const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      "Events:WebhookUrl": { EET_WEBHOOK_SECRET: webhookSecret },
      "Oidc:Issuer": { EET_OIDC_CLIENT_ID: "eet" },
      "Server:TlsCert": { EET_TLS_KEY: "b" },
      "Server:TlsKey": { EET_TLS_CERT: "a" },
      "Server:TlsClients": { ...tls, EET_TLS_CLIENT_CA: "c" },
      "Server:TlsClientCa": { ...tls, EET_TLS_CLIENTS: "required" },
      "Server:TlsClientCrl": clients,
    };
    for (const setting of allSettings) {
      const type = "type" in setting.schema ? String(setting.schema.type) : "";
      const least = "minimum" in setting.schema ? Number(setting.schema.minimum) : 0;
      const fitting = type === "integer" && least > 60 ? String(least) : samples[type];
      const sample = samples[setting.key] ?? fitting ?? "sample";
      const needed = companions[setting.key] ?? {};
      const sourceOf = (layers: Layers) =>
        load({ ...layers, dotenv: { ...needed, ...layers.dotenv } }).sources.get(setting.key)?.name;
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
    assert.equal(load({ file: { "S3:Bucket": "bucket" } }).settings.s3.bucket, "bucket");
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
