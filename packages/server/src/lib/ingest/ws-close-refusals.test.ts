import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { RequestError } from "../kernel/errors.ts";
import { clientFrame, opcodes, RawClient } from "./raw-client.test-support.ts";
import { type CloseRefusalLimits, WsCloseRefusals } from "./ws-close-refusals.ts";

const told = "4401 The token is unknown, revoked or past its time";

async function start(t: TestContext, limits: CloseRefusalLimits = {}) {
  const refusals = new WsCloseRefusals(() => false, limits);
  const sockets: Socket[] = [];
  const server = createServer();
  server.on("connection", (socket) => sockets.push(socket));
  const error = new RequestError("TOKEN_INVALID", "no");
  server.on("upgrade", (request, socket, head) => refusals.refuse(request, socket, head, error));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const clients: RawClient[] = [];
  t.after(async () => {
    for (const { socket } of clients) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const open = () => {
    const client = new RawClient((server.address() as AddressInfo).port);
    clients.push(client);
    return client;
  };
  return { open, sockets };
}

describe("WsCloseRefusals", () => {
  it("upgrades so many at once, and answers more plainly until one has gone [P-3.1]", async (t) => {
    const { open, sockets } = await start(t, { maxCount: 2, closeTimeoutMs: 600_000 });
    const [first, second] = [open(), open()];
    for (const client of [first, second]) {
      assert.match(await client.upgrade("/ws/a"), /^HTTP\/1.1 101 /);
      assert.equal(await client.readClose(), told);
    }
    const third = open();
    assert.match(await third.upgrade("/ws/a"), /^HTTP\/1.1 401 /);
    assert.equal(JSON.parse(await third.readToEnd()).code, "TOKEN_INVALID");
    const [served] = sockets;
    assert.ok(served);
    first.socket.write(clientFrame(opcodes.close, Buffer.of(0x11, 0x31)));
    if (!served.destroyed) await once(served, "close");
    assert.match(await open().upgrade("/ws/a"), /^HTTP\/1.1 101 /);
  });

  it("cuts off within a second who does not answer, whatever they send, and answers nothing of it", async (t) => {
    const { open } = await start(t);
    const client = open();
    await client.upgrade("/ws/a");
    client.socket.write(clientFrame(opcodes.ping, Buffer.from("x")));
    client.socket.write(clientFrame(opcodes.binary, new Uint8Array(100_000)));
    assert.equal(await client.readClose(), told);
    assert.equal(await client.readToEnd(), "");
  });

  it("answers what is no WebSocket plainly", async (t) => {
    const { open } = await start(t, { maxCount: 1 });
    for (let count = 0; count < 2; count += 1) {
      const client = open();
      assert.match(await client.upgrade("/ws/a", { "Sec-WebSocket-Key": "" }), /^HTTP\/1.1 400 /);
      assert.equal(JSON.parse(await client.readToEnd()).code, "BAD_REQUEST");
    }
    assert.match(await open().upgrade("/ws/a"), /^HTTP\/1.1 101 /);
  });
});
