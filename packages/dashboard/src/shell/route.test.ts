import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatRoute, parseRoute } from "./route.ts";

describe("parseRoute", () => {
  it("reads what formatRoute writes", () => {
    for (const path of [
      "/",
      "/access",
      "/add",
      "/login",
      "/mic",
      "/storage",
      "/device/kitchen-1",
      "/device/~",
      "/device/kitchen/archive",
    ]) {
      const route = parseRoute(path);
      assert.notEqual(route.view, "unknown", path);
      assert.equal(formatRoute(route), path);
    }
  });

  it("knows no other paths", () => {
    for (const path of ["/x", "/device", "/device/a%2Fb", "/device/a/b", "/add/x", `/device/${"a".repeat(65)}`]) {
      assert.deepEqual(parseRoute(path), { view: "unknown", path });
    }
  });
});
