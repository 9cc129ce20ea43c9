import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { parseServerMessage } from "@eet/protocol";
import { LimitTally } from "../kernel/limit-tally.ts";
import { closeOf, handshakeOf, pcmFrame, startEndpoint } from "./endpoint.test-support.ts";
import { clientFrame, fragments, opcodes } from "./raw-client.test-support.ts";

const handshake = clientFrame(opcodes.binary, handshakeOf());
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("WsEndpoint, what a connection brings", () => {
  it("refuses a message by the length that its frame declares, before a byte of it has come [P-1.9]", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { tally });
    for (const [path, isDevice] of [
      ["/ws/a", true],
      ["/ws/echo", false],
    ] as const) {
      const client = bench.rawClient();
      await client.upgrade(path);
      if (isDevice) client.socket.write(handshake);
      // 100 MiB.
      client.socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x06, 0x40, 0, 0, 0, 0, 0, 0]));
      assert.equal(await client.readClose(), "1009 too big", path);
    }
    await bench.log.line("MESSAGE_TOO_BIG");
    assert.equal(tally.counts["MESSAGE_TOO_BIG"], 2);
    assert.ok((bench.serverSockets[0]?.bytesRead ?? 0) < 1_000);
  });

  it("takes as many fragments and bytes of a message as are set, and tells it in the welcome [P-2.1]", async (t) => {
    const bench = await startEndpoint(t, { maxFragments: 64, maxMessageBytes: 65_536 });
    const device = bench.client("/ws/a", ["eet.v1+ack"]);
    await once(device, "open");
    device.send(handshakeOf());
    const [welcome] = await once(device, "message");
    assert.equal((welcome as Buffer).readUInt32LE(12 + 20), 65_536);
    const client = bench.rawClient();
    await client.upgrade("/ws/b");
    client.socket.write(Buffer.concat([handshake, fragments(pcmFrame(0), 11), fragments(pcmFrame(1), 10)]));
    assert.equal(await client.readClose(), "1009 too big");
    assert.deepEqual(bench.sink.sessions.at(-1)?.seqs, [0]);
  });

  it("drops a device that floods it with PING, and tells one with acknowledgements 4429 [P-2.8] [P-1.9]", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxControlFramesPerS: 10, tally });
    const plain = bench.rawClient();
    await plain.upgrade("/ws/a");
    const acked = bench.client("/ws/b", ["eet.v1+ack"]);
    await once(acked, "open");
    const echo = await bench.openClient("/ws/echo");
    const ends = [closeOf(acked), closeOf(echo)];
    plain.socket.write(Buffer.concat(Array.from({ length: 200 }, () => clientFrame(opcodes.ping, Buffer.alloc(0)))));
    for (let count = 0; count < 200; count += 1) {
      acked.ping();
      echo.pong();
    }
    await plain.readToEnd();
    assert.match(String(await ends[0]), /^4429 /);
    assert.equal(await ends[1], "1006");
    while (bench.endpoint.connectionCount > 0) await turn();
    assert.equal(tally.counts["CONTROL_LIMIT"], 3);
  });

  it("tells one that floods it 4429, however much comes at once, and then ends it unread [P-2.8]", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { tally });
    const client = bench.rawClient();
    await client.upgrade("/ws/a", { "Sec-WebSocket-Protocol": "eet.v1+ack" });
    const pings = Buffer.concat(Array.from({ length: 3_000 }, () => clientFrame(opcodes.ping, Buffer.of(120))));
    client.socket.write(Buffer.concat([handshake, pings]));
    assert.equal((await client.readFrame())?.opcode, opcodes.binary);
    for (let count = 0; count < 100; count += 1) assert.equal((await client.readFrame())?.opcode, opcodes.pong);
    assert.match(String(await client.readClose()), /^4429 /);
    for (let second = 0; second < 2; second += 1) bench.passMs(1_000);
    await client.readToEnd();
    while (bench.endpoint.connectionCount > 0) await turn();
    assert.equal(tally.counts["CONTROL_LIMIT"], 1);
  });

  it("answers those who PING as often as they may", async (t) => {
    const bench = await startEndpoint(t, { maxControlFramesPerS: 10 });
    const client = await bench.openClient("/ws/a");
    for (let second = 0; second < 5; second += 1) {
      for (let count = 0; count < 5; count += 1) {
        client.ping();
        await once(client, "pong");
      }
      bench.passMs(1_000);
    }
    assert.equal(client.readyState, client.OPEN);
  });

  it("reads a sender of tiny fragments slowly, and loses nothing of it", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxFramesPerS: 1_000, maxRateFactor: 1, tally });
    const client = bench.rawClient();
    await client.upgrade("/ws/a");
    client.socket.write(handshake);
    const intake = await bench.sink.opened();
    const messageCount = 24_000;
    const frames = Array.from({ length: messageCount }, (_, seq) => fragments(pcmFrame(seq, 2), 1));
    client.socket.write(Buffer.concat(frames));
    while ((tally.counts["INGRESS_LIMIT"] ?? 0) === 0) {
      await turn();
      bench.passMs(1);
    }
    while (intake.seqs.length < messageCount) {
      bench.passMs(1);
      await turn();
    }
    assert.deepEqual(
      intake.seqs,
      Array.from({ length: messageCount }, (_, seq) => seq),
    );
    assert.equal(bench.endpoint.connectionCount, 1);
  });

  it("asks one with acknowledgements that sends too fast to slow down, until it does [P-2.1]", async (t) => {
    const bench = await startEndpoint(t, { maxFramesPerS: 1_000 });
    const device = bench.client("/ws/a", ["eet.v1+ack"]);
    await once(device, "open");
    const acks: boolean[] = [];
    device.on("message", (bytes) => {
      const message = parseServerMessage(bytes as Buffer);
      if (message?.kind === "ack") acks.push(message.isSlowDown);
    });
    device.send(handshakeOf());
    await bench.sink.until(() => bench.sink.deliveries.length > 0);
    for (let seq = 0; !acks.includes(true); ) {
      for (const endSeq = seq + 2_000; seq < endSeq; seq += 1) device.send(pcmFrame(seq));
      await bench.sink.deliveries[0]?.received(seq);
      bench.passMs(1_000);
      await turn();
    }
    for (; acks.at(-1) === true; await turn()) bench.passMs(1_000);
    assert.equal(device.readyState, device.OPEN);
  });

  it("takes a backlog of a hundred seconds at once", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { tally });
    const device = await bench.openClient("/ws/a");
    device.send(handshakeOf());
    for (let seq = 0; seq < 5_000; seq += 1) device.send(pcmFrame(seq));
    await (await bench.sink.opened()).received(5_000);
    assert.equal(tally.counts["INGRESS_LIMIT"], 0);
  });

  it("closes an echo whose message is larger than it may be [P-1.8]", async (t) => {
    const tally = new LimitTally();
    const bench = await startEndpoint(t, { maxEchoBytes: 1_024, tally });
    const echo = await bench.openClient("/ws/echo");
    echo.send(Buffer.alloc(1_024));
    assert.equal(((await once(echo, "message"))[0] as Buffer).byteLength, 1_024);
    echo.send(Buffer.alloc(1_025));
    assert.equal(await closeOf(echo), "1009 too big");
    assert.equal(tally.counts["MESSAGE_TOO_BIG"], 1);
  });
});
