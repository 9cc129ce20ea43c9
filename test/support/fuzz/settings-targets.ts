import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { HostPolicy } from "../../../packages/server/src/lib/access/host-policy.ts";
import { matchesHwid, parseHwidPattern } from "../../../packages/server/src/lib/access/hwid-pattern.ts";
import { formatSettingsJson } from "../../../packages/server/src/lib/config/format-settings.ts";
import { findJsonFault } from "../../../packages/server/src/lib/config/json-fault.ts";
import { isLayout } from "../../../packages/server/src/lib/config/layout.ts";
import { loadSettings, type SettingsInput } from "../../../packages/server/src/lib/config/load-settings.ts";
import { allSettings } from "../../../packages/server/src/lib/config/settings.ts";
import { SettingsError } from "../../../packages/server/src/lib/config/settings-error.ts";
import { parseWebhookSecret } from "../../../packages/server/src/lib/kernel/webhook-secret.ts";
import { formatSegmentFolder, formatSegmentName } from "../../../packages/server/src/lib/storage/segment-path.ts";
import { attempt, type FuzzTarget, jsonTarget, textTarget } from "./fuzz-target.ts";

const example = readFileSync(new URL("../../../appsettings.example.json", import.meta.url), "utf8");
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const documents: readonly unknown[] = [
  JSON.parse(example),
  { Server: { Port: 5096, RotateS: 10, Layout: "{hwid}/{yyyy}" }, S3: { Enabled: false, Bucket: "b" } },
  { Devices: { "mic-1": { NibbleOrder: "low" }, "AA:BB": { AdpcmLayout: "ms4" } } },
  { Webhooks: [{ Name: "archive", Url: "https://example.org/x", Secret: secret, Types: ["segment.closed"] }] },
];

/** Settings as they come from one of the layers. */
function load(input: Omit<SettingsInput, "coreCount">): void {
  const effective = attempt(() => loadSettings({ ...input, coreCount: 2 }), SettingsError);
  if (effective === undefined) return;
  const { server } = effective.settings;
  assert.ok(Number.isInteger(server.port) && server.port >= 0 && server.port <= 65_535);
  assert.ok(server.rotateS >= 0.1 && server.rotateS <= 3_600);
  JSON.parse(formatSettingsJson(effective));
}

const fileTarget = jsonTarget({
  name: "loadSettings: appsettings.json",
  weight: 2,
  seeds: documents,
  check: (appsettings) => load({ appsettings }),
});

const jsonFaultTarget = jsonTarget({
  name: "findJsonFault: says what JSON.parse says",
  weight: 60,
  seeds: documents,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.json(), (text) => assert.equal(findJsonFault(text), undefined)),
      parameters,
    ),
  check: (text) => {
    const fault = findJsonFault(text);
    const isJson = attempt(() => JSON.parse(text) !== Symbol.iterator, SyntaxError) ?? false;
    assert.equal(fault === undefined, isJson);
  },
});

const environmentTexts = [
  "EET_PORT=5096\nEET_ROTATE_S=10\n# a comment\nS3_BUCKET='b'\n",
  'EET_HOST="0.0.0.0"\nEET_WAV=no\nEET_LAYOUT={hwid}\nexport EET_ACK_MS=1000\n',
  allSettings.map(({ environment }) => `${environment[0] ?? "X"}=1\n`).join(""),
];

const environmentTarget = textTarget({
  name: "loadSettings: environment and .env",
  weight: 1,
  seeds: environmentTexts,
  check: (text) => {
    const dotenv = parseEnv(text);
    load({ dotenv });
    load({ environment: dotenv });
  },
});

const flagTexts = allSettings.flatMap(({ flag, fallback }) => (flag === undefined ? [] : [`${flag}=${fallback}`]));

const flagTarget = textTarget({
  name: "loadSettings: flags",
  weight: 2,
  seeds: [flagTexts.join("\n"), ...flagTexts],
  check: (text) => {
    const lines = text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
    load({ flags: Object.fromEntries(lines) });
  },
});

/** What a pattern means, by another way. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.*+?^${}()|[\]\\-]/g, "\\$&")
    .replaceAll("\\*", ".*")
    .replaceAll("\\?", ".");
  return new RegExp(`^${source}$`);
}

const patternTarget = textTarget({
  name: "parseHwidPattern, matchesHwid: as a regular expression has it",
  seeds: ["kitchen-*", "*", "mic-?", "AA:BB:*", "a*b*c*d", "**a**"],
  maxBytes: 80,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*?]{1,12}$/), fc.stringMatching(/^[ab]{1,12}$/), (pattern, hwid) => {
        assert.equal(matchesHwid(pattern, hwid), toRegExp(pattern).test(hwid));
      }),
      parameters,
    ),
  check: (text) => {
    const pattern = parseHwidPattern(text);
    if (pattern === undefined) return;
    assert.match(pattern, /^[A-Za-z0-9_*?-]{1,64}$/);
    assert.equal(parseHwidPattern(pattern), pattern);
    const hwid = text.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
    const isShort = pattern.split("*").length < 6;
    if (isShort) assert.equal(matchesHwid(pattern, hwid), toRegExp(pattern).test(hwid));
    matchesHwid(pattern, "a".repeat(64));
  },
});

const layoutTarget = textTarget({
  name: "isLayout, formatSegmentFolder: never out of the folder",
  seeds: ["{hwid}", "{hwid}/{yyyy}/{MM}/{dd}", "a.b/{streamId}", "{hwid}-{HH}", ".{hwid}"],
  maxBytes: 300,
  check: (text) => {
    if (!isLayout(text)) return;
    for (const hwid of [null, "mic-1", "-"]) {
      const naming = { hwid, streamId: 1, session: "abc", index: 0, startMs: 1_700_000_000_000 };
      const parts = formatSegmentFolder(text, naming).split("/");
      assert.ok(!parts.includes("..") && !parts.includes("."), parts.join("/"));
      assert.match(formatSegmentName(naming), /^stream_1_[A-Za-z0-9_-]+$/);
    }
  },
});

const secretTarget = textTarget({
  name: "parseWebhookSecret",
  seeds: [secret, "whsec_AAAA", `whsec_${Buffer.alloc(24).toString("base64")}`],
  maxBytes: 160,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (key) =>
        assert.ok(parseWebhookSecret(`whsec_${Buffer.from(key).toString("base64")}`)?.equals(key)),
      ),
      parameters,
    ),
  check: (text) => {
    const key = parseWebhookSecret(text);
    assert.ok(key === undefined || (key.byteLength >= 24 && key.byteLength <= 64));
  },
});

const policy = new HostPolicy({ host: "0.0.0.0", allowedHosts: "eet.example.org, *.lan" });
const goodHost = /^(?:localhost|.*\.localhost|eet\.example\.org|0\.0\.0\.0|.*\.lan|\[.*\]|\d+\.\d+\.\d+\.\d+)\.?$/;

const hostTarget = textTarget({
  name: "HostPolicy: Host and Origin",
  seeds: ["eet.example.org", "a.lan:5096", "127.0.0.1:80", "[::1]:5096", "http://evil.example", "localhost.", "null"],
  maxBytes: 120,
  check: (text) => {
    if (policy.allowsHost(text)) {
      assert.match(URL.parse(`http://${text}`)?.hostname ?? "", goodHost);
    }
    policy.allowsDeviceOrigin(text, "eet.example.org");
    policy.allowsDeviceOrigin("http://eet.example.org", text);
    assert.equal(policy.allowsDeviceOrigin("http://evil.example", text), false);
  },
});

/** What reads settings, and what people give with them. */
export const settingsTargets: readonly FuzzTarget[] = [
  ...[fileTarget, jsonFaultTarget, environmentTarget, flagTarget],
  ...[patternTarget, layoutTarget, secretTarget, hostTarget],
];
