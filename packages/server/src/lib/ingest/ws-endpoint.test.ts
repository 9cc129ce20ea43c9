import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { StorageError } from "../kernel/errors.ts";
import { closeOf, handshakeOf, pcmFrame, startEndpoint, type TestEndpoint } from "./endpoint.test-support.ts";
import { clientFrame, opcodes, upgradeRequest } from "./raw-client.test-support.ts";

/** The status code of an upgrade request, and the problem it is refused with. */
async function refusalOf(bench: TestEndpoint, path: string, headers: Readonly<Record<string, string>> = {}) {
  const client = bench.rawClient();
  const head = await client.upgrade(path, headers);
  assert.match(head, /^Content-Type: application\/problem\+json\r$/m);
  assert.match(head, /^Connection: close\r$/m);
  const problem = JSON.parse(await client.readToEnd());
  return { status: Number(head.split(" ")[1]), problem };
}

describe("WsEndpoint", () => {
  it("takes devices at /ws, /ws/ and /ws/{hwid}, query or not [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    const paths = ["/ws", "/ws/", "/ws?x=1", "/ws/a4:cf.12", "/ws/mic-7?token=secret"];
    for (const path of paths) (await bench.openClient(path)).send(handshakeOf());
    await bench.sink.opened(paths.length);
    const hwids = bench.sink.sessions.map(({ request }) => request.hwid);
    assert.deepEqual(hwids.sort(), ["a4_cf_12", "mic-7", null, null, null]);
    assert.equal(bench.endpoint.connectionCount, 5);
    assert.ok(!JSON.stringify(bench.log.lines).includes("secret"));
  });

  it("refuses other paths with 404 [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    const { status, problem } = await refusalOf(bench, "/live?token=secret");
    assert.equal(status, 404);
    assert.equal(problem.code, "NOT_FOUND");
    assert.ok(problem.title.length > 0 && problem.fix.length > 0 && problem.status === 404);
    const line = await bench.log.line("NOT_FOUND");
    assert.equal(line.fields["path"], "/live");
  });

  it("refuses bad hwids with 400 before the upgrade [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    const bad = [
      "/ws/..",
      "/ws/../etc",
      "/ws/a/b",
      "/ws/%2e%2e",
      "/ws/mic%2d7",
      `/ws/${"a".repeat(65)}`,
      "/ws/a~b",
      "/ws/echo/",
    ];
    for (const path of bad) {
      const { status, problem } = await refusalOf(bench, path);
      assert.equal(`${status} ${problem.code}`, "400 HWID_INVALID", path);
    }
    assert.equal(bench.log.lines.length, bad.length);
    assert.equal(bench.endpoint.connectionCount, 0);
  });

  it("refuses a hwid in Unicode bytes with 400 [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    client.socket.write(Buffer.from(upgradeRequest("/ws/mic").toString().replace("/ws/mic", "/ws/büro"), "utf8"));
    assert.match(await client.readHead(), /^HTTP\/1.1 400 /);
  });

  it("takes a hwid of 64 characters, and single dots [P-1.8]", async (t) => {
    const bench = await startEndpoint(t);
    assert.match(await bench.rawClient().upgrade(`/ws/${"a".repeat(64)}`), /^HTTP\/1.1 101 /);
    const client = bench.rawClient();
    assert.match(await client.upgrade("/ws/.a"), /^HTTP\/1.1 101 /);
  });

  it("refuses upgrades that are not WebSocket ones with 400", async (t) => {
    const bench = await startEndpoint(t);
    for (const headers of [
      { "Sec-WebSocket-Key": "" },
      { "Sec-WebSocket-Key": "short" },
      { "Sec-WebSocket-Version": "7" },
      { Upgrade: "h2c" },
      { "Sec-WebSocket-Protocol": "a,,b" },
    ]) {
      const { status, problem } = await refusalOf(bench, "/ws", headers);
      assert.equal(`${status} ${problem.code}`, "400 BAD_REQUEST", JSON.stringify(headers));
    }
  });

  it("lives on when bytes are no HTTP or clients vanish in the middle of the upgrade", async (t) => {
    const bench = await startEndpoint(t);
    const garbage = bench.rawClient();
    garbage.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff]));
    assert.match(await garbage.readHead(), /^HTTP\/1.1 400 /);
    for (const path of ["/ws", "/ws/a/b", "/elsewhere"]) {
      const client = bench.rawClient();
      await once(client.socket, "connect");
      client.socket.write(upgradeRequest(path));
      client.socket.resetAndDestroy();
    }
    assert.match(await bench.rawClient().upgrade("/ws"), /^HTTP\/1.1 101 /);
  });

  it("answers the upgrade in less than 1 KiB, without extensions [P-3]", async (t) => {
    const bench = await startEndpoint(t);
    const head = await bench.rawClient().upgrade("/ws/mic-7", {
      Origin: "file://",
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Protocol": "eet.v1",
      Authorization: `Basic ${"x".repeat(300)}`,
    });
    assert.match(head, /^HTTP\/1.1 101 /);
    assert.ok(head.length < 1024);
    assert.doesNotMatch(head, /extensions/i);
  });

  it("selects the best subprotocol that it knows and echoes no other [P-2.1]", async (t) => {
    const bench = await startEndpoint(t);
    const offer = async (names: string, path = "/ws") => {
      const head = await bench.rawClient().upgrade(path, { "Sec-WebSocket-Protocol": names });
      assert.match(head, /^HTTP\/1.1 101 /);
      return /^Sec-WebSocket-Protocol: (.*)\r$/im.exec(head)?.[1];
    };
    assert.equal(await offer("arduino"), undefined);
    assert.equal(await offer("eet.v1+ack"), "eet.v1+ack");
    assert.equal(await offer("eet.bearer.c2VjcmV0"), undefined);
    assert.equal(await offer("eet.v1"), "eet.v1");
    assert.equal(await offer("arduino, eet.v1, eet.v1+ack"), "eet.v1+ack");
    assert.equal(await offer("eet.v1+ack, eet.v1", "/ws/echo"), "eet.v1");
    assert.equal(await offer("eet.v1+ack", "/ws/echo"), undefined);
  });

  it("tells the connection its subprotocol", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.client("/ws/mic-7", ["eet.v1"]);
    await once(client, "open");
    client.send(handshakeOf());
    await bench.sink.opened();
    assert.equal(bench.log.lines[0]?.fields["subprotocol"], "eet.v1");
    assert.match(String(bench.log.lines[0]?.fields["remote"]), /^127\.0\.0\.1:\d+$/);
  });

  it("refuses connections over the limit with 503 and takes new ones when others end", async (t) => {
    const bench = await startEndpoint(t, { maxConnections: 2 });
    const first = await bench.openClient("/ws/a");
    await bench.openClient("/ws/echo");
    const { status, problem } = await refusalOf(bench, "/ws/b");
    assert.equal(`${status} ${problem.code}`, "503 CONNECTION_LIMIT");
    assert.match(problem.detail, /2 of 2/);
    first.close();
    await bench.log.line("CLIENT_CLOSED");
    assert.match(await bench.rawClient().upgrade("/ws/b"), /^HTTP\/1.1 101 /);
  });

  it("refuses devices, but not echo, while the recording side gives a reason [S-2.5]", async (t) => {
    const full = new StorageError("STORAGE_FULL", "400 MiB are free, 512 MiB are kept");
    const bench = await startEndpoint(t, { refusalReason: () => full });
    const { status, problem } = await refusalOf(bench, "/ws/mic-7");
    assert.equal(`${status} ${problem.code}`, "503 STORAGE_FULL");
    assert.match(await bench.rawClient().upgrade("/ws/echo"), /^HTTP\/1.1 101 /);
  });

  it("asks for the ADPCM layout of the sanitised hwid [P-1.7]", async (t) => {
    const asked: unknown[] = [];
    const bench = await startEndpoint(t, { adpcmLayoutOf: (hwid) => void asked.push(hwid) });
    await bench.rawClient().upgrade("/ws/a:b");
    await bench.rawClient().upgrade("/ws");
    assert.deepEqual(asked, ["a_b", null]);
  });

  it("stops: drops without CLOSE, waits for the last flush, refuses newcomers with 503 [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const device = bench.rawClient();
    await device.upgrade("/ws/mic-7");
    const client = await bench.openClient("/ws/b");
    const echo = await bench.openClient("/ws/echo");
    client.send(handshakeOf());
    client.send(pcmFrame(0));
    const intake = await bench.sink.opened();
    await intake.received(1);
    const flush = Promise.withResolvers<void>();
    bench.sink.flush = flush.promise;
    let isStopped = false;
    const ends = Promise.all([closeOf(client), closeOf(echo), device.readClose()]);
    const stopped = bench.endpoint.stop().then(() => {
      isStopped = true;
    });
    assert.deepEqual(await ends, ["1006", "1006", undefined]);
    const { status, problem } = await refusalOf(bench, "/ws");
    assert.equal(`${status} ${problem.code}`, "503 SHUTTING_DOWN");
    assert.equal(isStopped, false);
    flush.resolve();
    await stopped;
    assert.equal(intake.endCount, 1);
    assert.equal(bench.endpoint.connectionCount, 0);
    await bench.endpoint.stop();
  });

  it("drops a client that never sends a handshake, at 10 s [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    await client.upgrade("/ws");
    bench.passMs(9_999);
    assert.equal(bench.endpoint.connectionCount, 1);
    bench.passMs(1);
    assert.equal(await client.readClose(), undefined);
    await bench.log.line("HANDSHAKE_TIMEOUT");
  });

  it("does not wait for a client that connects and sends nothing at all", async (t) => {
    const bench = await startEndpoint(t);
    const silent = bench.rawClient();
    await once(silent.socket, "connect");
    await bench.endpoint.stop();
    assert.equal(bench.endpoint.connectionCount, 0);
  });

  it("takes frames that came in the same segment as the upgrade request", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    client.socket.write(
      Buffer.concat([
        upgradeRequest("/ws/eager"),
        clientFrame(opcodes.binary, handshakeOf()),
        clientFrame(opcodes.binary, pcmFrame(0)),
      ]),
    );
    const intake = await bench.sink.opened();
    await intake.received(1);
    assert.deepEqual(intake.seqs, [0]);
  });
});
