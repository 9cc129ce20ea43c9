import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { Authority } from "../../../../test/support/certificates.ts";
import { systemClock } from "./kernel/clock.ts";
import { LimitTally } from "./kernel/limit-tally.ts";
import { MemoryLog } from "./kernel/memory-log.test-support.ts";
import { routeUpgrades, type UpgradeRoutes } from "./upgrade-router.ts";

/** A server whose upgrades are given to nobody. */
async function start(t: TestContext, server: Server, receive: UpgradeRoutes["receive"]) {
  const [tally, log] = [new LimitTally(), new MemoryLog()];
  const nobody = { devices: { start: () => {} }, viewers: {}, guard: {} } as unknown as UpgradeRoutes;
  routeUpgrades(server, { ...nobody, clock: systemClock, log, limiting: { tally, bound: () => {} }, receive });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.close();
    await once(server, "close");
  });
  return { tally, log, port: (server.address() as AddressInfo).port };
}

describe("routeUpgrades", () => {
  it("answers with INTERNAL where judging an upgrade fails, which ends nothing else", async (t) => {
    const { log, port } = await start(t, createServer(), () => {
      throw new TypeError("a broken look");
    });
    for (const path of ["/ws/a", "/api/v1/live"]) {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      const socket = connect(port, "127.0.0.1");
      const head = Object.entries({ host: "a", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.1\r\n${head.join("")}\r\n`);
      const answer = (await socket.toArray()).join("");
      assert.match(answer, /^HTTP\/1\.1 500 .*"code":"INTERNAL"/s);
      assert.doesNotMatch(answer, /broken look/);
    }
    const [line] = log.lines;
    assert.deepEqual([line?.fields["code"], line?.fields["error"]], ["INTERNAL", "a broken look"]);
  });

  it("counts clients that do not speak TLS in time", async (t) => {
    const { cert, key } = await (await Authority.make("EET test")).server();
    const server = createTlsServer({ cert, key, handshakeTimeout: 20 });
    const { tally, port } = await start(t, server, () => undefined);
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    const silent = connect(port, "127.0.0.1");
    silent.on("error", () => {}).resume();
    await once(silent, "close");
    assert.equal(tally.counts["TLS_HANDSHAKE_TIMEOUT"], 1);
    const wrong = connect(port, "127.0.0.1");
    wrong.on("error", () => {}).resume();
    wrong.write("GET / HTTP/1.1\r\n\r\n");
    await once(wrong, "close");
    assert.equal(tally.counts["TLS_HANDSHAKE_TIMEOUT"], 1);
  });
});
