import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RouteMethods } from "./route-methods.ts";

describe("RouteMethods", () => {
  it("knows the methods of a path, whatever stands for its parameters", () => {
    const methods = new RouteMethods();
    methods.add({ url: "/devices/:hwid", method: "GET" });
    methods.add({ url: "/devices/:hwid", method: ["HEAD", "PATCH"] });
    methods.add({ url: "/devices/:hwid/pins", method: "POST" });
    methods.add({ url: "/files/*", method: "GET" });
    assert.deepEqual(methods.of("/devices/mic-1"), ["GET", "HEAD", "PATCH"]);
    assert.deepEqual(methods.of("/devices/%7E"), ["GET", "HEAD", "PATCH"]);
    assert.deepEqual(methods.of("/devices/mic-1/pins"), ["POST"]);
    for (const path of ["/", "", "/devices", "/devices/", "/devices/a/", "/devices/a/b", "/files/x", "/devicesx/a"])
      assert.deepEqual(methods.of(path), [], path);
  });
});
