import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail, load } from "../../../../../test/support/settings-layers.ts";
import { formatSettings, formatSettingsJson } from "./format-settings.ts";

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const other = `whsec_${Buffer.alloc(64, 8).toString("base64")}`;
const url = "https://example.org/hooks/eet?token=very-hidden";

describe("chooseWebhooks", () => {
  it("makes one of EET_WEBHOOK_URL and EET_WEBHOOK_SECRET", () => {
    const { settings } = load({ environment: { EET_WEBHOOK_URL: url, EET_WEBHOOK_SECRET: secret } });
    assert.deepEqual(settings.events.webhooks, [{ name: "default", url, secret }]);
  });

  it("reads the list, with the common secret where one has none of its own", () => {
    const Webhooks = [
      { Name: "archive", Url: url, Secret: other, Types: ["segment.stored"], Hwids: ["aa:bb", "x"] },
      { name: "pager", url },
    ];
    const { settings, sources } = load({ file: { Webhooks }, dotenv: { EET_WEBHOOK_SECRET: secret } });
    assert.deepEqual(settings.events.webhooks, [
      { name: "archive", url, secret: other, types: ["segment.stored"], hwids: ["aa_bb", "x"] },
      { name: "pager", url, secret },
    ]);
    assert.equal(sources.get("Webhooks:archive:Url")?.layer, "appsettings.json");
  });

  it("refuses bad names, unknown keys, bad URLs, types and secrets, each with a message", () => {
    const Webhooks = [
      "x",
      { Url: url },
      { Name: "default", Url: url },
      { Name: "a", Url: "ftp://example.org/", Secret: "whsec_short" },
      { Name: "a", Url: url },
      { Name: "b", Url: url, Type: ["segment.closed"] },
      { Name: "c", Url: url, Types: ["segment.opened"] },
      { Name: "d" },
    ];
    const { issues } = fail({ file: { Webhooks }, environment: { EET_WEBHOOK_SECRET: secret } });
    const codes = issues.map(({ code, key }) => `${code} ${key}`);
    assert.deepEqual(codes, [
      "CONFIG_BAD_VALUE Webhooks:1",
      "CONFIG_BAD_VALUE Webhooks:2",
      "CONFIG_BAD_VALUE Webhooks:3",
      "CONFIG_BAD_VALUE Webhooks:a:Url",
      "CONFIG_BAD_VALUE Webhooks:a:Secret",
      "CONFIG_BAD_VALUE Webhooks:5",
      "CONFIG_UNKNOWN_KEY Webhooks:b:Type",
      "CONFIG_BAD_VALUE Webhooks:c:Types",
      "CONFIG_MISSING Webhooks:d:Url",
    ]);
    assert.match(issues[6]?.message ?? "", /did you mean Webhooks:b:Types\?/);
    const { issues: ofUrl } = fail({
      flags: { "webhook-url": `${url}#x` },
      environment: { EET_WEBHOOK_SECRET: secret },
    });
    assert.deepEqual(
      ofUrl.map(({ message }) => message),
      [
        'Events:WebhookUrl cannot be "https://example.org/hooks/eet?****" (flag --webhook-url); allowed: an http or https URL without user and fragment, such as https://example.org/hooks/eet',
      ],
    );
  });

  it("refuses webhooks that nothing is signed with", () => {
    const { issues } = fail({ file: { Webhooks: [{ Name: "a", Url: url }] }, environment: { EET_WEBHOOK_URL: url } });
    assert.deepEqual(
      issues.map(({ code, key }) => `${code} ${key}`),
      ["CONFIG_MISSING Events:WebhookSecret", "CONFIG_MISSING Webhooks:a:Secret"],
    );
    assert.match(issues[0]?.message ?? "", /EET_WEBHOOK_SECRET .*`openssl rand -base64 32`/);
  });

  it("takes no secret from flags and from section Events of the file", () => {
    for (const layers of [{ flags: { "webhook-secret": secret } }, { file: { Events: { WebhookSecret: secret } } }]) {
      const { issues, message } = fail(layers);
      assert.equal(issues[0]?.code, "CONFIG_UNKNOWN_KEY");
      assert.ok(!message.includes(secret));
    }
  });

  it("refuses what is not a list", () => {
    assert.match(
      fail({ file: { Webhooks: {} } }).message,
      /Webhooks in appsettings.json must be a list, found a object/,
    );
  });
});

describe("formatSettings", () => {
  it("shows webhooks without their secrets and without what follows the path", () => {
    const Webhooks = [{ Name: "archive", Url: url, Secret: other, Types: ["segment.stored", "storage.low"] }];
    const effective = load({
      file: { Webhooks },
      environment: { EET_WEBHOOK_URL: url, EET_WEBHOOK_SECRET: secret },
    });
    const text = formatSettings(effective);
    assert.match(text, /^Webhooks:archive:Types +segment\.stored, storage\.low +Webhooks:archive:Types in/m);
    assert.match(text, /^Events:WebhookUrl +https:\/\/example\.org\/hooks\/eet\?\*\*\*\* +EET_WEBHOOK_URL/m);
    assert.equal(text.match(/^Webhooks:/gm)?.length, 4);
    for (const output of [text, formatSettingsJson(effective)]) {
      for (const hidden of [secret, other, "very-hidden"]) assert.ok(!output.includes(hidden), hidden);
    }
  });
});
