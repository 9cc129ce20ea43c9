import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Setting } from "./setting.ts";
import { describeAllowed, describeReceived, isUnset, parseSettingValue } from "./setting-value.ts";
import { allSettings } from "./settings.ts";

function find(key: string): Setting {
  const setting = allSettings.find((candidate) => candidate.key === key);
  assert.ok(setting, key);
  return setting;
}

const parse = (key: string, received: unknown) => parseSettingValue(find(key), received);

describe("parseSettingValue", () => {
  it("takes the usual words for booleans in any case, and JSON's own", () => {
    for (const word of ["true", "TRUE", "Yes", "on", "1", " true ", true])
      assert.equal(parse("S3:Enabled", word), true);
    for (const word of ["false", "False", "NO", "off", "0", false]) assert.equal(parse("S3:Enabled", word), false);
    for (const word of ["2", "tru", "enabled", 1, 0, [], {}]) assert.equal(parse("S3:Enabled", word), undefined);
  });

  it("takes whole numbers within their limits", () => {
    assert.equal(parse("Server:Port", "0"), 0);
    assert.equal(parse("Server:Port", 65535), 65535);
    for (const port of [-1, 65536, "-1", "65536", "80.5", 80.5, "0x50", "80 90", "5096abc", "1e999", true, [80]])
      assert.equal(parse("Server:Port", port), undefined);
    assert.equal(parse("Server:FlushMs", 49), undefined);
    assert.equal(parse("Server:FlushMs", "50"), 50);
    assert.equal(parse("Server:FlushMs", "60000"), 60_000);
    assert.equal(parse("Server:FlushMs", 60_001), undefined);
  });

  it("takes what any of several kinds allows", () => {
    for (const [count, taken] of [
      ["auto", "auto"],
      ["Auto ", "auto"],
      ["2", 2],
      [64, 64],
    ] as const)
      assert.equal(parse("Server:IngestWorkers", count), taken);
    for (const count of ["65", -1, "1.5", "automatic", true])
      assert.equal(parse("Server:IngestWorkers", count), undefined);
  });

  it("takes fractions where they make sense", () => {
    assert.equal(parse("Server:RotateS", "0.1"), 0.1);
    assert.equal(parse("Server:RotateS", ".5"), 0.5);
    assert.equal(parse("Server:RotateS", 3600), 3600);
    for (const length of ["0.09", 0, 3600.1, "NaN", "Infinity", "ten", "1,5"])
      assert.equal(parse("Server:RotateS", length), undefined);
  });

  it("takes one of the listed words in any case", () => {
    assert.equal(parse("S3:Provider", "Scaleway"), "scaleway");
    assert.equal(parse("Server:GapFill", "SKIP"), "skip");
    assert.equal(parse("S3:Provider", "azure"), undefined);
    assert.equal(parse("Server:LogLevel", "verbose"), undefined);
  });

  it("takes a service URL without user, query and fragment", () => {
    for (const url of ["http://localhost:9000", "https://s3.example.org/", "http://[::1]:7480"])
      assert.equal(parse("S3:ServiceUrl", url), url);
    for (const url of [
      "s3.example.org",
      "ftp://x",
      "https://u:p@x",
      "https://x/?a=1",
      "https://x/#a",
      "https://a b",
      1,
    ])
      assert.equal(parse("S3:ServiceUrl", url), undefined);
  });

  it("takes bucket names, not URLs or folders", () => {
    assert.equal(parse("S3:Bucket", "abc"), "abc");
    assert.equal(parse("S3:Bucket", "a".repeat(255)), "a".repeat(255));
    for (const bucket of ["ab", "a".repeat(256), "s3://bucket", "bucket/folder", "-ab", "a b", 12345])
      assert.equal(parse("S3:Bucket", bucket), undefined);
  });

  it("takes a prefix with or without outer slashes; a single one means none", () => {
    assert.equal(parse("S3:Prefix", "/site/received/"), "site/received");
    assert.equal(parse("S3:Prefix", "/"), "");
    for (const prefix of ["a//b", "a\\b", "a\nb", "x".repeat(513)]) assert.equal(parse("S3:Prefix", prefix), undefined);
  });
});

describe("isUnset", () => {
  it("holds for nothing, null and blank texts only", () => {
    for (const received of [undefined, null, "", "  \r"]) assert.ok(isUnset(received));
    for (const received of [0, false, "0", "/", [], {}]) assert.ok(!isUnset(received));
  });
});

describe("describeAllowed", () => {
  it("tells the range, the words or the form", () => {
    assert.equal(describeAllowed(find("Server:Port")), "whole number, 0 to 65535");
    assert.equal(describeAllowed(find("Server:RotateS")), "number, 0.1 to 3600");
    assert.equal(describeAllowed(find("S3:Provider")), "aws, scaleway");
    assert.equal(describeAllowed(find("S3:Enabled")), "true, false");
    assert.match(describeAllowed(find("Server:Layout")), /\{hwid\}/);
  });
});

describe("describeReceived", () => {
  it("quotes texts on one line and cuts long ones", () => {
    assert.equal(describeReceived({}, "a\nb"), '"a\\nb"');
    assert.equal(describeReceived({}, 5), "5");
    assert.ok(describeReceived({}, "x".repeat(1000)).length <= 83);
  });

  it("shows neither secrets nor what stands before an @ nor what is inside of objects", () => {
    assert.ok(!describeReceived({ secret: true }, "hidden").includes("hidden"));
    assert.equal(describeReceived({}, "https://user:hidden/@host"), '"****@host"');
    assert.equal(describeReceived({}, "user:hid@den@host"), '"****@host"');
    assert.equal(describeReceived({}, { key: "hidden" }), "an object");
    assert.equal(describeReceived({}, ["hidden"]), "a list");
  });
});
