import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { RequestError } from "../kernel/errors.ts";
import { LimitTally } from "../kernel/limit-tally.ts";
import { closeOf, handshakeOf, startEndpoint, type TestEndpoint } from "./endpoint.test-support.ts";

/** What the upgrade of a device is answered with: `101`, `429 ADDRESS_LIMIT`. */
async function askFor(bench: TestEndpoint, path: string, from?: string): Promise<string> {
  const client = bench.rawClient();
  const head = await client.upgrade(path, from === undefined ? {} : { "X-Forwarded-For": from });
  const status = head.split(" ")[1] ?? "";
  return status === "101" ? status : `${status} ${JSON.parse(await client.readToEnd()).code}`;
}

describe("WsEndpoint, connections", () => {
  it("refuses a device that has as many as it may with 429, others not [P-2.8]", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxConnectionsPerDevice: 2, tally });
    const first = await bench.openClient("/ws/a:1");
    await bench.openClient("/ws/a_1");
    assert.equal(await askFor(bench, "/ws/a.1"), "429 DEVICE_LIMIT");
    assert.equal(await askFor(bench, "/ws/b"), "101");
    for (const path of ["/ws", "/ws", "/ws"]) assert.equal(await askFor(bench, path), "101");
    assert.equal(tally.counts["DEVICE_LIMIT"], 1);
    assert.deepEqual(tally.uses["DEVICE_LIMIT"], { used: 2, allowed: 2 });
    first.close();
    await bench.log.line("CLIENT_CLOSED");
    assert.equal(await askFor(bench, "/ws/a_1"), "101");
  });

  it("refuses an address that has as many as it may with 429; one /64 counts as one, this machine not at all", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxConnectionsPerAddress: 2, tally });
    for (const from of ["2001:db8::1", "2001:db8::2"]) assert.equal(await askFor(bench, "/ws", from), "101");
    assert.equal(await askFor(bench, "/ws", "2001:db8::3"), "429 ADDRESS_LIMIT");
    assert.equal(await askFor(bench, "/ws/echo", "2001:db8::3"), "429 ADDRESS_LIMIT");
    assert.equal(await askFor(bench, "/ws", "2001:db8:0:1::3"), "101");
    for (let count = 0; count < 4; count += 1) assert.equal(await askFor(bench, "/ws"), "101");
    assert.equal(tally.counts["ADDRESS_LIMIT"], 2);
  });

  it("asks first whether a device may connect: who may not takes no place [P-3.1]", async (t) => {
    const gate = {
      judge: () => ({ tokenId: null, refusal: new RequestError("TOKEN_INVALID", "no") }),
      review: () => undefined,
    };
    const bench = await startEndpoint(t, { maxHandshakes: 1, gate });
    for (let count = 0; count < 3; count += 1) assert.equal(await askFor(bench, "/ws/a"), "401 TOKEN_INVALID");
  });

  it("tells by a CLOSE who cannot see another answer, in the subprotocol that was asked for [P-3.1]", async (t) => {
    const gate = {
      judge: () => ({ tokenId: null, refusal: new RequestError("TOKEN_INVALID", "no"), isToldByClose: true }),
      review: () => undefined,
    };
    const bench = await startEndpoint(t, { gate });
    const client = bench.client("/ws/a", ["eet.v1+ack", "eet.bearer.x"]);
    const answer = once(client, "upgrade");
    assert.equal(await closeOf(client), "4401 The token is unknown, revoked or past its time");
    assert.equal((await answer)[0].headers["sec-websocket-protocol"], "eet.v1+ack");
    assert.equal(bench.endpoint.connectionCount, 0);
  });

  it("writes ten lines a minute of each code of refusals, then how many were left out, and counts every one", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxConnectionsPerDevice: 1, tally });
    await bench.openClient("/ws/a");
    const ask = async () => assert.equal(await askFor(bench, "/ws/a"), "429 DEVICE_LIMIT");
    for (let count = 0; count < 13; count += 1) await ask();
    assert.equal(await askFor(bench, "/nowhere"), "404 NOT_FOUND");
    const codes = () => bench.log.lines.map(({ fields }) => fields["code"]);
    assert.deepEqual(codes(), [...Array.from({ length: 10 }, () => "DEVICE_LIMIT"), "NOT_FOUND"]);
    bench.clock.nowMs += 60_000;
    await ask();
    assert.equal(bench.log.lines.at(-1)?.fields["moreBefore"], 3);
    assert.equal(tally.counts["DEVICE_LIMIT"], 14);
  });

  it("lets the one that waits longest for its handshake give way, after a second", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxHandshakes: 2, tally });
    const [first, second] = [bench.client("/ws/a", ["eet.v1+ack"]), bench.rawClient()];
    const end = closeOf(first);
    await once(first, "open");
    await second.upgrade("/ws/b");
    assert.equal(await askFor(bench, "/ws/c"), "503 HANDSHAKE_LIMIT");
    bench.passMs(1_000);
    assert.equal(await askFor(bench, "/ws/c"), "101");
    assert.match(await end, /^4503 /);
    assert.equal(await askFor(bench, "/ws/d"), "101");
    assert.equal(await second.readClose(), undefined);
    assert.equal(tally.counts["HANDSHAKE_LIMIT"], 3);
  });

  it("counts no device whose handshake has come", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxHandshakes: 1, tally });
    for (const hwid of ["a", "b", "c"]) {
      const device = await bench.openClient(`/ws/${hwid}`);
      assert.deepEqual(tally.uses["HANDSHAKE_LIMIT"], { used: 1, allowed: 1 });
      device.send(handshakeOf());
      await bench.sink.opened(bench.sink.sessions.length + 1);
    }
    assert.equal(tally.uses["HANDSHAKE_LIMIT"]?.used, 0);
    assert.equal(tally.uses["CONNECTION_LIMIT"]?.used, 3);
  });
});

describe("WsEndpoint, queued bytes", () => {
  it("lets nobody in from four fifths on, ends the newest at the limit, and goes on below [P-2.8] [P-1.9]", async (t) => {
    let queuedBytes = 0;
    // However often it is looked: three times there is too much.
    let fullCount = 0;
    const readQueued = () => (fullCount-- > 0 ? 10_000_000 : queuedBytes);
    const tally = new LimitTally();
    const options = { maxQueuedBytes: 10_000_000, queuedBytes: readQueued, tally };
    const bench = await startEndpoint(t, options);
    const [oldest, plain, newest] = [
      await bench.openClient("/ws/a"),
      await bench.openClient("/ws/b"),
      bench.client("/ws/c", ["eet.v1+ack"]),
    ];
    await once(newest, "open");
    for (const device of [oldest, plain, newest]) device.send(handshakeOf());
    await bench.sink.opened(2);
    queuedBytes = 8_000_000;
    bench.passMs(1_000);
    assert.equal(await askFor(bench, "/ws/d"), "503 OVERLOADED");
    assert.equal(await askFor(bench, "/ws/echo"), "101");
    const ends = [closeOf(newest), closeOf(plain)];
    // One in ten: the echo, which came last, then the device that came before.
    fullCount = 3;
    for (let count = 0; count < 3; count += 1) bench.passMs(1_000);
    assert.match(String(await ends[0]), /^4503 /);
    assert.equal(await ends[1], "1006");
    queuedBytes = 0;
    bench.passMs(1_000);
    assert.equal(await askFor(bench, "/ws/d"), "101");
    assert.equal(oldest.readyState, oldest.OPEN);
    assert.ok((tally.counts["OVERLOADED"] ?? 0) >= 3);
  });

  it("counts messages that are not whole yet", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxQueuedBytes: 1_000_000, tally });
    const client = bench.rawClient();
    await client.upgrade("/ws/a");
    const part = Buffer.alloc(600_010);
    // Binary, not the last fragment, masked with zeros.
    part.set([0x02, 0xff, 0, 0, 0, 0, 0, 0x09, 0x27, 0xc0]);
    client.socket.write(part);
    while ((bench.serverSockets[0]?.bytesRead ?? 0) < part.byteLength) await new Promise((turn) => setImmediate(turn));
    bench.passMs(1_000);
    assert.ok((tally.uses["OVERLOADED"]?.used ?? 0) > 500_000, JSON.stringify(tally.uses));
  });
});
