import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { browserCommand } from "./browser-window.ts";

describe("browserCommand", () => {
  it("knows a browser only where somebody sees it", () => {
    assert.deepEqual(browserCommand("linux", { DISPLAY: ":0" }), ["xdg-open"]);
    assert.equal(browserCommand("linux", { DISPLAY: "" }), undefined);
    assert.equal(browserCommand("linux", { WAYLAND_DISPLAY: "wayland-0", SSH_CONNECTION: "10.0.0.1" }), undefined);
    assert.deepEqual(browserCommand("darwin", {}), ["open"]);
    assert.equal(browserCommand("darwin", { CI: "true" }), undefined);
  });
});
