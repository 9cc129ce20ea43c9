import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { limits } from "@eet/protocol";
import { closeOf, startEndpoint } from "./endpoint.test-support.ts";
import { clientFrame, opcodes } from "./raw-client.test-support.ts";

describe("WsEchoLink", () => {
  it("returns each message as it came, binary or text, in order [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await bench.openClient("/ws/echo?x=1");
    const received: [string, boolean][] = [];
    client.on("message", (data, isBinary) => received.push([data.toString(), isBinary]));
    client.send("héllo");
    client.send(Buffer.from("bytes"));
    client.send("");
    client.send(Buffer.alloc(0));
    client.close(1000, "bye");
    assert.equal(await closeOf(client), "1000 bye");
    assert.deepEqual(received, [
      ["héllo", false],
      ["bytes", true],
      ["", false],
      ["", true],
    ]);
    assert.deepEqual(bench.sink.sessions, []);
  });

  it("returns a message of 1 MiB and refuses a larger one", async (t) => {
    const bench = await startEndpoint(t);
    const client = await bench.openClient("/ws/echo");
    client.send(Buffer.alloc(limits.maxMessageBytes, 7));
    const [data] = await once(client, "message");
    assert.deepEqual(data, Buffer.alloc(limits.maxMessageBytes, 7));
    client.send(Buffer.alloc(limits.maxMessageBytes + 1));
    assert.equal(await closeOf(client), "1009 too big");
  });

  it("does not read a client that does not read, then returns everything", async (t) => {
    const bench = await startEndpoint(t);
    const client = await bench.openClient("/ws/echo");
    const [server] = bench.serverSockets;
    const other = await bench.openClient("/ws/echo");
    client.pause();
    const messageCount = 400;
    for (let sent = 0; sent < messageCount; sent += 1) client.send(Buffer.alloc(64 * 1024, sent));
    for (let turn = 0; turn < 200; turn += 1) {
      other.send("turn");
      await once(other, "message");
    }
    assert.ok(server!.isPaused());
    assert.ok(server!.writableLength < 2 * 1024 * 1024, `${server!.writableLength} bytes wait to be sent`);
    let receivedCount = 0;
    const all = Promise.withResolvers<void>();
    client.on("message", () => {
      receivedCount += 1;
      if (receivedCount === messageCount) all.resolve();
    });
    client.resume();
    await all.promise;
    assert.equal(receivedCount, messageCount);
  });

  it("pings after 25 s of silence and drops after 75 s [P-3.3]", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    await client.upgrade("/ws/echo");
    client.socket.write(clientFrame(opcodes.text, Buffer.from("hi")));
    assert.equal((await client.readFrame())?.payload.toString(), "hi");
    bench.passMs(0);
    bench.passMs(25_000);
    assert.equal((await client.readFrame())?.opcode, opcodes.ping);
    bench.passMs(50_000);
    assert.equal(await client.readFrame(), undefined);
  });
});
