import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatFrame, limits } from "@eet/protocol";
import { handshakeOf, pcmFormat, pcmFrame, startEndpoint, type TestEndpoint } from "./endpoint.test-support.ts";
import { clientFrame, fragments, opcodes, type RawClient } from "./raw-client.test-support.ts";
import { violationOf } from "./ws-socket.ts";

/** A client that has sent its handshake, of a format whose frames may have any size, and one frame. */
async function streamingClient(bench: TestEndpoint): Promise<RawClient> {
  const client = bench.rawClient();
  await client.upgrade("/ws/mic-7");
  client.socket.write(clientFrame(opcodes.binary, handshakeOf({ ...pcmFormat, frameSampleCount: 0 })));
  client.socket.write(clientFrame(opcodes.binary, pcmFrame(0)));
  await (await bench.sink.opened()).received(1);
  return client;
}

/** How a connection ends on these bytes after a good frame, which must stay. */
async function closeOn(bench: TestEndpoint, bytes: Uint8Array): Promise<string | undefined> {
  const client = await streamingClient(bench);
  client.socket.write(bytes);
  const close = await client.readClose();
  client.socket.end();
  await bench.sink.sessions[0]?.ended();
  assert.deepEqual(bench.sink.sessions[0]?.seqs, [0]);
  return close;
}

describe("WsSocket", () => {
  it("takes a frame in 2048 fragments of a byte, and one in a few [P-3]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    const frame = formatFrame("pcm16", 1, new Uint8Array(limits.maxFragmentCount - 12).fill(9));
    client.socket.write(fragments(frame, 1));
    client.socket.write(fragments(frame.with(8, 2), 1024));
    const [intake] = bench.sink.sessions;
    await intake?.received(3);
    assert.deepEqual(intake?.frames[1]?.message, frame);
    assert.deepEqual(intake?.seqs, [0, 1, 2]);
  });

  it('closes a message in 2049 fragments with 1009 "too big" [P-1.9]', async (t) => {
    const bench = await startEndpoint(t);
    const message = new Uint8Array(limits.maxFragmentCount + 1);
    assert.equal(await closeOn(bench, fragments(message, 1)), "1009 too big");
    await bench.log.line("MESSAGE_TOO_BIG");
  });

  it('closes a message over 1 MiB with 1009 "too big" before its payload came [P-1.9]', async (t) => {
    const bench = await startEndpoint(t);
    const message = clientFrame(opcodes.binary, new Uint8Array(limits.maxMessageBytes + 1));
    assert.equal(await closeOn(bench, message.subarray(0, 14)), "1009 too big");
    await bench.log.line("MESSAGE_TOO_BIG");
  });

  it('closes a message whose length needs 64 bits with 1009 "too big" [P-1.9]', async (t) => {
    const bench = await startEndpoint(t);
    const head = Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert.equal(await closeOn(bench, head), "1009 too big");
  });

  it("takes a mask of zeros and any other [P-3]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    client.socket.write(clientFrame(opcodes.binary, pcmFrame(1), true, [0, 0, 0, 0]));
    client.socket.write(clientFrame(opcodes.binary, pcmFrame(2), true, [0xde, 0xad, 0xbe, 0xef]));
    const [intake] = bench.sink.sessions;
    await intake?.received(3);
    assert.deepEqual(
      intake?.frames.map(({ message }) => message),
      [pcmFrame(0), pcmFrame(1), pcmFrame(2)],
    );
  });

  it("takes a control frame between the fragments of a message", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    const frame = pcmFrame(1);
    client.socket.write(clientFrame(opcodes.binary, frame.subarray(0, 100), false));
    client.socket.write(clientFrame(opcodes.ping, Buffer.from("x")));
    client.socket.write(clientFrame(opcodes.continuation, frame.subarray(100)));
    await bench.sink.sessions[0]?.received(2);
    assert.equal((await client.readFrame())?.opcode, opcodes.pong);
    assert.deepEqual(bench.sink.sessions[0]?.frames[1]?.message, frame);
  });

  it("closes a frame without a mask, and one with a reserved bit, with 1002", async (t) => {
    const bench = await startEndpoint(t);
    assert.equal(await closeOn(bench, Buffer.from([0x82, 0x01, 0x00])), "1002 ");
    const line = await bench.log.line("MESSAGE_INVALID");
    assert.match(String(line.fields["detail"]), /MASK must be set/);
  });

  it("closes a compressed frame, which nobody negotiated, with 1002 [P-3]", async (t) => {
    const bench = await startEndpoint(t);
    const compressed = clientFrame(opcodes.binary, pcmFrame(1));
    compressed[0] = 0xc2;
    assert.equal(await closeOn(bench, compressed), "1002 ");
    await bench.log.line("MESSAGE_INVALID");
  });

  it("closes text that is no UTF-8 with 1007", async (t) => {
    const bench = await startEndpoint(t);
    assert.equal(await closeOn(bench, clientFrame(opcodes.text, Buffer.from([0xff, 0xfe]))), "1007 ");
    await bench.log.line("MESSAGE_INVALID");
  });

  it("gives a client's own 1009 back as it came", async (t) => {
    const bench = await startEndpoint(t);
    assert.equal(await closeOn(bench, clientFrame(opcodes.close, Buffer.from([0x03, 0xf1]))), "1009 ");
    await bench.log.line("CLIENT_CLOSED");
  });
});

describe("violationOf", () => {
  it("goes by the error's code, not by its words", () => {
    const withCode = (code: string) => Object.assign(new Error("Max payload size exceeded"), { code });
    assert.equal(violationOf(withCode("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")), "MESSAGE_TOO_BIG");
    assert.equal(violationOf(withCode("WS_ERR_INVALID_UTF8")), "MESSAGE_INVALID");
    assert.equal(violationOf(withCode("EPIPE")), undefined);
    assert.equal(violationOf(new Error("Max payload size exceeded")), undefined);
  });
});
