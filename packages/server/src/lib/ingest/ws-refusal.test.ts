import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { LimitError, RequestError } from "../kernel/errors.ts";
import { refuseUpgrade } from "./ws-refusal.ts";

/** Both ends of a TCP connection. */
async function socketPair(t: TestContext): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const [server] = (await once(listener, "connection")) as [Socket];
  t.after(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { client, server };
}

describe("refuseUpgrade", () => {
  it("answers with the error's row and ends the connection", async (t) => {
    const { client, server } = await socketPair(t);
    refuseUpgrade(server, new RequestError("HWID_INVALID", 'the hwid is "a/b", of 3 characters'));
    const answer = Buffer.concat(await client.toArray()).toString();
    const [head, body] = answer.split("\r\n\r\n");
    assert.match(head!, /^HTTP\/1.1 400 Bad Request\r\n/);
    assert.match(head!, new RegExp(`^Content-Length: ${Buffer.byteLength(body!)}\r?$`, "m"));
    assert.deepEqual(JSON.parse(body!), {
      title: "The device id in the URL is not usable",
      status: 400,
      detail: 'the hwid is "a/b", of 3 characters',
      code: "HWID_INVALID",
      fix: "Use 1 to 64 letters, digits, '-' and '_' (':' and '.' are taken as '_', '..' is refused); 'echo' is reserved.",
    });
    assert.ok(answer.length < 1024);
  });

  it("does nothing on a socket that is gone", async (t) => {
    const { server } = await socketPair(t);
    server.destroy();
    await once(server, "close");
    refuseUpgrade(server, new LimitError("SHUTTING_DOWN", "the server stops"));
    assert.equal(server.destroyed, true);
  });

  it("survives a peer that resets in the middle of the answer", async (t) => {
    const { client, server } = await socketPair(t);
    client.resetAndDestroy();
    refuseUpgrade(server, new LimitError("SHUTTING_DOWN", "the server stops"));
    await once(server, "close");
    assert.equal(server.destroyed, true);
  });
});
