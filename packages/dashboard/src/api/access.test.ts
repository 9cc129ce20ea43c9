import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pathBehindLogin } from "./access.ts";

describe("pathBehindLogin", () => {
  it("goes back to where one came from", () => {
    assert.equal(pathBehindLogin("#next=%2Fdevice%2Fkitchen"), "/device/kitchen");
  });

  it("goes nowhere else than to this page", () => {
    for (const next of ["", "https://evil.example", "//evil.example", "/\\evil.example", "/login", "javascript:1"]) {
      assert.equal(pathBehindLogin(`#next=${encodeURIComponent(next)}`), "/", next);
    }
    assert.equal(pathBehindLogin("#setup=abc"), "/");
  });
});
