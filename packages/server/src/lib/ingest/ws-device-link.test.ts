import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { formatFrame, limits } from "@eet/protocol";
import fc from "fast-check";
import {
  adpcmFormat,
  closeOf,
  handshakeOf,
  pcmFormat,
  pcmFrame,
  startEndpoint,
  type TestEndpoint,
} from "./endpoint.test-support.ts";
import { clientFrame, opcodes, type RawClient } from "./raw-client.test-support.ts";

const handshake = handshakeOf();

/** A handshake with one byte replaced. */
function handshakeWith(at: number, byte: number): Uint8Array {
  return handshake.with(at, byte);
}

function binary(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(messages.map((message) => clientFrame(opcodes.binary, message)));
}

/** Connects, sends handshake and two frames, and waits until they are in. */
async function streamingClient(bench: TestEndpoint, format = pcmFormat): Promise<RawClient> {
  const client = bench.rawClient();
  await client.upgrade("/ws/mic-7");
  const payload = new Uint8Array(164);
  client.socket.write(
    binary(handshakeOf(format), formatFrame(format.codec, 0, payload), formatFrame(format.codec, 1, payload)),
  );
  const intake = await bench.sink.opened(bench.sink.sessions.length + 1);
  await intake.received(2);
  return client;
}

/** How the server closes when a first message is this one. */
async function closeAfterFirst(bench: TestEndpoint, message: Uint8Array): Promise<string | undefined> {
  const client = bench.rawClient();
  await client.upgrade("/ws/mic-7");
  client.socket.write(binary(message));
  const close = await client.readClose();
  client.socket.end();
  return close;
}

/** How the server closes on these bytes after two good frames, which must stay. */
async function closeAfterFrames(
  bench: TestEndpoint,
  bytes: Uint8Array,
  format = pcmFormat,
): Promise<string | undefined> {
  const client = await streamingClient(bench, format);
  const intake = bench.sink.sessions.at(-1)!;
  client.socket.write(Buffer.concat([bytes, binary(formatFrame(format.codec, 99, new Uint8Array(164)))]));
  const close = await client.readClose();
  client.socket.end();
  await intake.ended();
  assert.deepEqual(intake.seqs, [0, 1]);
  assert.equal(intake.endCount, 1);
  return close;
}

describe("WsDeviceLink", () => {
  it("stores a stream and answers the client's CLOSE with its code [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await bench.openClient("/ws/mic-7");
    client.send(handshake);
    for (let seq = 0; seq < 50; seq += 1) client.send(pcmFrame(seq));
    client.close(1000, "bye");
    assert.equal(await closeOf(client), "1000 bye");
    const intake = await bench.sink.opened();
    await intake.ended();
    assert.equal(intake.frames.length, 50);
    assert.deepEqual(intake.frames[49], { message: pcmFrame(49), seq: 49, sampleCount: 320 });
    const line = await bench.log.line("CLIENT_CLOSED");
    assert.equal(line.fields["frameCount"], 50);
    assert.equal(line.fields["audioS"], 1);
  });

  it("answers CLOSE frames with any code, and without one", async (t) => {
    const bench = await startEndpoint(t);
    for (const payload of [[], [0x03, 0xe9], [0x0f, 0xa0, 0x78]]) {
      const client = await streamingClient(bench);
      client.socket.write(clientFrame(opcodes.close, Buffer.from(payload)));
      const answer = await client.readFrame();
      assert.equal(answer?.opcode, opcodes.close);
      assert.deepEqual([...(answer?.payload ?? [])], payload);
      await bench.sink.sessions.at(-1)?.ended();
    }
  });

  it("answers a version 1 client's CLOSE when all it sent is durable", async (t) => {
    const bench = await startEndpoint(t);
    const flushed = Promise.withResolvers<void>();
    bench.sink.flush = flushed.promise;
    const client = await streamingClient(bench);
    client.socket.write(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
    const intake = bench.sink.sessions[0]!;
    await bench.sink.until(() => intake.endCount === 1);
    let isAnswered = false;
    const answer = client.readFrame().then((frame) => {
      isAnswered = true;
      return frame;
    });
    // Another client's whole way in takes longer than an answer that is already sent.
    await streamingClient(bench);
    const isEarly = isAnswered;
    flushed.resolve();
    assert.equal(isEarly, false);
    assert.equal((await answer)?.opcode, opcodes.close);
    assert.equal(intake.endCount, 1);
  });

  it("answers CLOSE after 3 s though the disk is slower", async (t) => {
    const bench = await startEndpoint(t);
    const flushed = Promise.withResolvers<void>();
    bench.sink.flush = flushed.promise;
    const client = await streamingClient(bench);
    client.socket.write(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
    assert.equal((await client.readFrame())?.opcode, opcodes.close);
    flushed.resolve();
  });

  it("never sends a data message [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    client.socket.write(clientFrame(opcodes.ping, Buffer.from("alive?")));
    client.socket.write(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
    assert.deepEqual((await client.readFrame())?.opcode, opcodes.pong);
    assert.equal(await client.readClose(), "1000 ");
    assert.equal(await client.readFrame(), undefined);
  });

  it("keeps what came before the connection was cut or half-closed", async (t) => {
    const bench = await startEndpoint(t);
    const cut = await streamingClient(bench);
    cut.socket.resetAndDestroy();
    await bench.sink.sessions[0]?.ended();
    const half = await streamingClient(bench);
    half.socket.end();
    await bench.sink.sessions[1]?.ended();
    assert.deepEqual(bench.sink.sessions[1]?.seqs, [0, 1]);
    await half.readToEnd();
    await bench.log.line("CLIENT_LOST");
  });

  it("drops a peer that vanished: a ping at 25 s, gone at 75 s without a byte [P-3.3]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    bench.passMs(0);
    bench.passMs(25_000);
    assert.equal((await client.readFrame())?.opcode, opcodes.ping);
    bench.passMs(49_999);
    assert.equal((await client.readFrame())?.opcode, opcodes.ping);
    bench.passMs(1);
    assert.equal(await client.readClose(), undefined);
    await bench.sink.sessions[0]?.ended();
    await bench.log.line("LIVENESS_TIMEOUT");
  });

  it("takes any inbound byte for a sign of life, a part of a frame too [P-3.3]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    bench.passMs(0);
    bench.passMs(74_999);
    const [server] = bench.serverSockets;
    client.socket.write(Buffer.of(0x82));
    await once(server!, "data");
    bench.passMs(74_999);
    assert.equal(bench.endpoint.connectionCount, 1);
    bench.passMs(74_999);
    assert.equal(bench.endpoint.connectionCount, 1);
  });

  it('closes a bad handshake with 1008 "invalid handshake" [P-1.1] [P-1.9]', async (t) => {
    const bench = await startEndpoint(t);
    const expected = "1008 invalid handshake";
    assert.equal(await closeAfterFirst(bench, new Uint8Array()), expected);
    assert.equal(await closeAfterFirst(bench, handshake.subarray(0, 31)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(0, 0x44)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(4, 2)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(6, 33)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(13, 0)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(16, 0)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(16, 9)), expected);
    assert.equal(await closeAfterFirst(bench, handshakeWith(18, 2)), expected);
    assert.deepEqual(bench.sink.sessions, []);
    assert.equal(
      (await bench.log.line("HANDSHAKE_CODEC")).fields["detail"],
      "codec is 2, known are 0 (PCM16) and 1 (IMA ADPCM)",
    );
  });

  it('closes a frame before the handshake with 1008 "invalid handshake" [P-1.1]', async (t) => {
    const bench = await startEndpoint(t);
    assert.equal(await closeAfterFirst(bench, pcmFrame(0)), "1008 invalid handshake");
  });

  it('closes a second handshake and other messages with 1008 "invalid audio frame" [P-1.2]', async (t) => {
    const bench = await startEndpoint(t);
    const expected = "1008 invalid audio frame";
    assert.equal(await closeAfterFrames(bench, binary(handshake)), expected);
    assert.equal(await closeAfterFrames(bench, binary(new Uint8Array())), expected);
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2).subarray(0, 11))), expected);
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2).with(0, 0))), expected);
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2).with(4, 1))), expected);
    assert.equal(await closeAfterFrames(bench, binary(Uint8Array.of(...pcmFrame(2), 0))), expected);
  });

  it('closes the other codec\'s frames with 1008 "frame codec mismatch" [P-1.2]', async (t) => {
    const bench = await startEndpoint(t);
    const frame = formatFrame("adpcm", 2, new Uint8Array(164));
    assert.equal(await closeAfterFrames(bench, binary(frame)), "1008 frame codec mismatch");
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2)), adpcmFormat), "1008 frame codec mismatch");
  });

  it('closes impossible payload sizes with 1008 "frame payload size invalid" [P-1.3] [P-1.4]', async (t) => {
    const bench = await startEndpoint(t);
    const expected = "1008 frame payload size invalid";
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2, 642))), expected);
    assert.equal(await closeAfterFrames(bench, binary(pcmFrame(2, 639))), expected);
    const short = formatFrame("adpcm", 2, new Uint8Array(3));
    assert.equal(await closeAfterFrames(bench, binary(short), adpcmFormat), expected);
    const long = formatFrame("adpcm", 2, new Uint8Array(181));
    assert.equal(await closeAfterFrames(bench, binary(long), adpcmFormat), expected);
  });

  it('closes step index 89 with 1008 "invalid audio frame" [P-1.4]', async (t) => {
    const bench = await startEndpoint(t);
    const frame = formatFrame("adpcm", 2, new Uint8Array(164).with(2, 89));
    assert.equal(await closeAfterFrames(bench, binary(frame), adpcmFormat), "1008 invalid audio frame");
    await bench.log.line("FRAME_STEP_INDEX");
  });

  it('closes text messages with 1003 "binary required", before and after the handshake [P-1.9]', async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    await client.upgrade("/ws");
    client.socket.write(clientFrame(opcodes.text, Buffer.from("hello")));
    assert.equal(await client.readClose(), "1003 binary required");
    const text = clientFrame(opcodes.text, new Uint8Array());
    assert.equal(await closeAfterFrames(bench, text), "1003 binary required");
  });

  it("handles all frames of a read in front of the violation in it", async (t) => {
    const bench = await startEndpoint(t);
    const client = bench.rawClient();
    await client.upgrade("/ws/mic-7");
    client.socket.write(binary(handshake, pcmFrame(0), pcmFrame(1), pcmFrame(2), new Uint8Array(3), pcmFrame(3)));
    assert.equal(await client.readClose(), "1008 invalid audio frame");
    assert.deepEqual(bench.sink.sessions[0]?.seqs, [0, 1, 2]);
  });

  it("ends the connection though the client never answers CLOSE", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    client.socket.write(binary(new Uint8Array(1)));
    assert.equal(await client.readClose(), "1008 invalid audio frame");
    client.socket.end();
    const line = await bench.log.line("FRAME_TOO_SHORT");
    assert.deepEqual(line.fields["closeFrame"], { code: 1008, reason: "invalid audio frame" });
    assert.equal(line.fields["frameCount"], 2);
  });

  it("stops reading while there is no room, and reads all when there is", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    const [server] = bench.serverSockets;
    const intake = bench.sink.sessions[0]!;
    bench.sink.hasRoom = false;
    const frameCount = 12_000;
    for (let seq = 2; seq < frameCount; seq += 1) client.socket.write(binary(pcmFrame(seq)));
    await intake.received(3);
    const echo = await bench.openClient("/ws/echo");
    for (let turn = 0; turn < 50; turn += 1) {
      echo.send("turn");
      await once(echo, "message");
    }
    assert.ok(server!.isPaused());
    assert.ok(server!.bytesRead < 512 * 1024, `${server!.bytesRead} bytes were read`);
    bench.sink.release();
    await intake.received(frameCount);
    assert.deepEqual(
      intake.seqs,
      Array.from({ length: frameCount }, (_, seq) => seq),
    );
  });

  it("takes what was read from a paused socket when the server stops [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    const [server] = bench.serverSockets;
    const intake = bench.sink.sessions[0]!;
    bench.sink.hasRoom = false;
    for (let seq = 2; seq < 3_000; seq += 1) client.socket.write(binary(pcmFrame(seq)));
    await intake.received(3);
    const echo = await bench.openClient("/ws/echo");
    for (let turn = 0; turn < 50; turn += 1) {
      echo.send("turn");
      await once(echo, "message");
    }
    assert.ok(server!.readableLength > 0);
    const before = intake.frames.length;
    await bench.endpoint.stop();
    const wireFrameBytes = binary(pcmFrame(0)).length;
    assert.ok(intake.frames.length > before);
    assert.ok(intake.frames.length >= Math.floor((server!.bytesRead - 4_096) / wireFrameBytes));
    assert.equal(intake.endCount, 1);
  });

  it("drops TCP without CLOSE when the disk stalls [P-1.9]", async (t) => {
    const bench = await startEndpoint(t);
    const client = await streamingClient(bench);
    bench.sink.hasRoom = false;
    client.socket.write(binary(pcmFrame(2)));
    await bench.sink.sessions[0]?.received(3);
    bench.passMs(8_000);
    assert.equal(await client.readClose(), undefined);
    await bench.log.line("STORAGE_STALLED");
  });

  it("closes or takes any first and second message, and the process lives on", async (t) => {
    const bench = await startEndpoint(t);
    const anyMessage = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc
        .tuple(fc.constantFrom(handshake, pcmFrame(1, 20)), fc.nat({ max: 31 }), fc.nat({ max: 255 }))
        .map(([good, at, byte]) => good.with(at, byte)),
    );
    const known =
      /^(1008 (invalid handshake|invalid audio frame|frame codec mismatch|frame payload size invalid)|1000 done)$/;
    await fc.assert(
      fc.asyncProperty(anyMessage, anyMessage, fc.boolean(), async (first, second, isHandshakeSent) => {
        const client = bench.rawClient();
        await client.upgrade("/ws/fuzz");
        if (isHandshakeSent) client.socket.write(binary(handshake));
        client.socket.write(binary(first, second));
        client.socket.write(clientFrame(opcodes.close, Buffer.from("\x03\xe8done", "latin1")));
        assert.match((await client.readClose()) ?? "no CLOSE", known);
        client.socket.end();
        await client.readToEnd();
      }),
      { numRuns: 150 },
    );
    assert.ok(bench.sink.sessions.every(({ endCount }) => endCount === 1));
    assert.deepEqual(
      bench.log.lines.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("lives through any bytes after the upgrade", async (t) => {
    const bench = await startEndpoint(t, { maxConnections: 1_000 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const client = bench.rawClient();
        await client.upgrade("/ws/fuzz");
        client.socket.end(bytes);
        await client.readToEnd();
      }),
      { numRuns: 150 },
    );
    assert.match(await bench.rawClient().upgrade("/ws"), /^HTTP\/1.1 101 /);
    assert.deepEqual(
      bench.log.lines.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("takes the largest message", async (t) => {
    const bench = await startEndpoint(t);
    const client = await bench.openClient("/ws/big");
    client.send(handshakeOf({ ...pcmFormat, frameSampleCount: 0 }));
    client.send(formatFrame("pcm16", 0, new Uint8Array(limits.maxMessageBytes - limits.frameHeaderBytes)));
    await (await bench.sink.opened()).received(1);
    assert.equal(bench.sink.sessions[0]?.frames[0]?.message.length, limits.maxMessageBytes);
  });
});
