import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeLayout, isLayout, layoutTokens } from "./layout.ts";

describe("isLayout", () => {
  it("takes folders made of tokens and plain characters", () => {
    for (const template of ["{hwid}", "flat", "{yyyy}/{MM}/{dd}/{HH}", "site=a/{hwid}-{streamId}", "v1.0/{hwid}"])
      assert.ok(isLayout(template), template);
  });

  it("refuses what leads elsewhere or means something else on another system", () => {
    for (const template of [
      "",
      "/abs",
      "../x",
      "a/../b",
      "a/..",
      "a..b",
      ".{hwid}.",
      ".",
      "a//b",
      "a/",
      "C:\\x",
      "a\\b",
      "~",
      "a b",
    ])
      assert.ok(!isLayout(template), template);
  });

  it("refuses unknown, empty and unclosed tokens", () => {
    for (const template of ["{}", "{host}", "{HWID}", "{mm}", "{hwid", "hwid}", "{{hwid}}", "{hwid}\n", "{hwid}\0"])
      assert.ok(!isLayout(template), template);
  });

  it("takes 256 characters and no more", () => {
    assert.ok(isLayout("a".repeat(256)));
    assert.ok(!isLayout("a".repeat(257)));
  });
});

describe("describeLayout", () => {
  it("names every token", () => {
    for (const token of layoutTokens) assert.ok(describeLayout().includes(`{${token}}`), token);
  });
});
