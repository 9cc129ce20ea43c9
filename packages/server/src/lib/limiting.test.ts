import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { describe, it } from "node:test";
import { defaultApiLimits } from "./api/api-limits.ts";
import { loadSettings } from "./config/load-settings.ts";
import { defaultIngressLimits } from "./ingest/ingress-limits.ts";
import { silentLog } from "./kernel/log.ts";
import { Limiting } from "./limiting.ts";

const { server: settings } = loadSettings({ coreCount: 2 }).settings;

/** The server's side of a connection from an address. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  isDestroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

describe("Limiting", () => {
  it("has the bounds that hold without settings", () => {
    assert.partialDeepStrictEqual(settings, { ...defaultApiLimits, ...defaultIngressLimits });
  });

  it("lets one address have its devices and half of the other places, this machine all", () => {
    const limiting = new Limiting({ ...settings, maxConnectionsPerAddress: 2, maxSockets: 16 }, silentLog);
    const server = new EventEmitter() as Server;
    limiting.bound(server);
    const connect = (address: string) => {
      const socket = new FakeSocket(address);
      server.emit("connection", socket);
      return socket;
    };
    const ofOne = Array.from({ length: 12 }, () => connect("192.0.2.7"));
    assert.equal(ofOne.filter(({ isDestroyed }) => isDestroyed).length, 2);
    assert.ok(!connect("192.0.2.8").isDestroyed);
    for (let count = 0; count < 30; count += 1) assert.ok(!connect("127.0.0.1").isDestroyed);
    assert.equal(limiting.tally.counts["SOCKET_LIMIT"], 2);
    assert.equal(limiting.tally.uses["SOCKET_LIMIT"]?.used, 41);
    ofOne[0]?.emit("close");
    assert.ok(!connect("192.0.2.7").isDestroyed);
    assert.equal(server.maxConnections, limiting.maxConnections + 16);
  });

  it("bounds those who come directly where proxies are trusted, too, and not these", () => {
    const narrow = { ...settings, maxConnectionsPerAddress: 2, maxSockets: 16, trustedProxies: "192.0.2.0/28" };
    const limiting = new Limiting(narrow, silentLog);
    const server = new EventEmitter() as Server;
    limiting.bound(server);
    const refusedOf = (address: string) => {
      const sockets = Array.from({ length: 12 }, () => new FakeSocket(address));
      for (const socket of sockets) server.emit("connection", socket);
      return sockets.filter(({ isDestroyed }) => isDestroyed).length;
    };
    assert.deepEqual(["192.0.2.7", "::ffff:192.0.2.8", "192.0.2.77"].map(refusedOf), [0, 0, 2]);
  });

  it("takes over what can change live, for the servers that listen too, and nothing else", () => {
    const limiting = new Limiting(settings, silentLog);
    const server = new EventEmitter() as Server;
    limiting.bound(server);
    const { limits } = limiting;
    limiting.change({
      ...settings,
      maxConnections: 20,
      maxSockets: 16,
      headersTimeoutS: 3,
      maxBodyBytes: 2_048,
      flushMs: 50,
    });
    const { maxConnections, maxSockets } = limiting.ofDevices;
    assert.deepEqual([maxConnections, maxSockets, server.maxConnections, server.headersTimeout], [20, 16, 36, 3_000]);
    assert.equal(limiting.tally.uses["SOCKET_LIMIT"]?.allowed, 36);
    assert.equal(limits.headersTimeoutS, 3, "who has the limits sees it");
    assert.deepEqual([limits.maxBodyBytes, limits.flushMs], [settings.maxBodyBytes, settings.flushMs]);
  });
});
