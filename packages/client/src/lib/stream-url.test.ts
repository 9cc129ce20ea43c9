import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatStreamUrl } from "./stream-url.ts";

describe("formatStreamUrl", () => {
  it("leaves an address without a device id as it is", () => {
    assert.equal(formatStreamUrl("ws://localhost:5096/ws"), "ws://localhost:5096/ws");
  });

  it("appends the device id to the path and keeps the query", () => {
    assert.equal(formatStreamUrl("ws://host:1/ws?token=a%20b", "mic-1"), "ws://host:1/ws/mic-1?token=a%20b");
  });

  it("does not double a slash that ends the path", () => {
    assert.equal(formatStreamUrl("wss://host/eet/ws/", "mic"), "wss://host/eet/ws/mic");
  });

  it("leaves ':' and '.' to the server, which stores them as '_'", () => {
    assert.equal(formatStreamUrl("ws://host/ws", "aa:bb.c"), "ws://host/ws/aa:bb.c");
  });

  it("keeps the id '.', which would be no part of a path", () => {
    assert.equal(formatStreamUrl("ws://host/ws", "."), "ws://host/ws/_");
  });

  it("takes http for ws and https for wss", () => {
    assert.equal(formatStreamUrl("http://host/ws"), "ws://host/ws");
    assert.equal(formatStreamUrl("https://host/ws", "a"), "wss://host/ws/a");
  });

  it("drops a fragment, which no server sees", () => {
    assert.equal(formatStreamUrl("ws://host/ws#top"), "ws://host/ws");
  });

  it("refuses what is no WebSocket address, showing one", () => {
    for (const url of ["", "host:5096/ws", "/ws", "ftp://host/ws", "ws://"]) {
      assert.throws(() => formatStreamUrl(url), { name: "RangeError", message: /ws:\/\/host:5096\/ws/ }, url);
    }
  });

  it("refuses a device id that the server refuses", () => {
    for (const hwid of ["", "..a/b", "a/b", "a%2fb", "mikrofon-ü", "echo", "x".repeat(65)]) {
      assert.throws(() => formatStreamUrl("ws://host/ws", hwid), { name: "RangeError", message: /1 to 64/ }, hwid);
    }
  });
});
