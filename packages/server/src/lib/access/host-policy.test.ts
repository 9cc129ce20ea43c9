import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostPolicy, isLoopbackHost } from "./host-policy.ts";

const policy = new HostPolicy({ host: "Studio", allowedHosts: "eet.example.org, *.Lan" });

describe("HostPolicy", () => {
  it("answers to loopback names, addresses, its own name and the allowed ones", () => {
    for (const host of [
      ...[
        "localhost",
        "localhost:5096",
        "LOCALHOST.",
        "eet.localhost:1",
        "127.0.0.1:5096",
        "192.168.1.7",
        "[::1]:5096",
      ],
      ...["[fe80::1]", "studio:5096", "STUDIO", "eet.example.org", "EET.example.org:443", "mic.lan", "a.b.lan:80"],
    ]) {
      assert.ok(policy.allowsHost(host), host);
    }
    assert.ok(policy.allowsHost(undefined));
  });

  it("refuses every other name, and what only looks like one of them", () => {
    for (const host of [
      ...["evil.example", "evil.example:5096", "localhost.evil.example", "127.0.0.1.evil.example", "lan", "evillan"],
      ...[
        "example.org",
        "x.eet.example.org",
        "notlocalhost",
        "evil.example@localhost",
        "localhost/evil",
        "",
        ":80",
        "[::1",
      ],
      ...["evil.example#localhost", "evil.example?.lan", "evil.example\\.lan", "*.lan.evil", "0x7f.1.evil.example"],
    ]) {
      assert.ok(!policy.allowsHost(host), host);
    }
  });

  it("answers to any name where the list says so", () => {
    assert.ok(new HostPolicy({ host: "127.0.0.1", allowedHosts: "*" }).allowsHost("anything.example"));
    assert.ok(!new HostPolicy({ host: "127.0.0.1" }).allowsHost("anything.example"));
  });

  it("takes devices that send no Origin, or one that no browser sends, whatever host they name [P-3]", () => {
    for (const origin of [undefined, "file://", "https://github.com/gilmaimon/ArduinoWebsockets", "arduino"]) {
      assert.ok(policy.allowsDeviceOrigin(origin, "mdns-name.local:5096"), origin);
    }
  });

  it("takes pages of its own host, of this machine and of allowed hosts as devices", () => {
    for (const [origin, host] of [
      ["http://192.168.1.7:5173", "192.168.1.7:5096"],
      ["http://localhost:5173", "192.168.1.7:5096"],
      ["https://eet.example.org", "eet.example.org"],
      ["https://mic.lan", "studio:5096"],
    ] as const) {
      assert.ok(policy.allowsDeviceOrigin(origin, host), origin);
    }
  });

  it("refuses pages of others as devices, those that have pointed their name here too", () => {
    for (const [origin, host] of [
      ["https://evil.example", "localhost:5096"],
      ["null", "localhost:5096"],
      ["http://6.6.6.6", "127.0.0.1:5096"],
      ["http://evil.example:5096", "evil.example:5096"],
      ["http://localhost:5096", "evil.example:5096"],
      ["chrome-extension://abcdef", "localhost:5096"],
      ["file://host", "localhost:5096"],
    ] as const) {
      assert.ok(!policy.allowsDeviceOrigin(origin, host), origin);
    }
  });
});

describe("isLoopbackHost", () => {
  it("knows what only this machine reaches", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) assert.ok(isLoopbackHost(host), host);
    for (const host of ["0.0.0.0", "::", "192.168.1.7", "studio", "127.evil.example", ""]) {
      assert.ok(!isLoopbackHost(host), host);
    }
  });
});
