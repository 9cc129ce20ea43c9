import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, it } from "node:test";
import { frameRules, parseFrame, type StreamFormat } from "@eet/protocol";
import { startRecordingServer } from "../../../../test/support/recording-server.ts";
import { FrameStreamError } from "./frame-stream.ts";
import { openFrameStream } from "./ws-frame-stream.ts";

const format: StreamFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
const payload = Uint8Array.from({ length: 640 }, (_, position) => position & 255);

function optionsFor(url: string) {
  return { url, streamId: 7, format, timestampMs: 1_700_000_000_123 };
}

/** Fills the socket until it makes the caller wait. */
function fill(stream: { send(payload: Uint8Array): Promise<void> | undefined }) {
  const block = new Uint8Array(64_000);
  let sentBytes = 0;
  for (;;) {
    const waiting = stream.send(block);
    sentBytes += block.length;
    if (waiting) return { waiting, sentBytes };
  }
}

describe("openFrameStream", () => {
  it("connects to the device's path and sends the handshake first", async () => {
    await using server = await startRecordingServer();
    const stream = await openFrameStream({ ...optionsFor(`${server.url}?token=t`), hwid: "mic-1" });
    await stream.close();
    const [connection] = server.connections;
    assert.equal(connection?.path, "/ws/mic-1?token=t");
    assert.equal(connection.subprotocols, undefined);
    assert.equal(connection.messages[0]?.length, 32);
    assert.deepEqual(connection.handshake, { streamId: 7, format, timestampMs: 1_700_000_000_123n });
  });

  it("offers the subprotocol it is given", async () => {
    await using server = await startRecordingServer();
    const stream = await openFrameStream({ ...optionsFor(server.url), subprotocol: "eet.v1" });
    await stream.close();
    assert.equal(server.connections[0]?.subprotocols, "eet.v1");
  });

  it("rejects a format that no server takes before it connects", async () => {
    await using server = await startRecordingServer();
    await assert.rejects(openFrameStream({ ...optionsFor(server.url), format: { ...format, channels: 9 } }), {
      name: "ProtocolError",
    });
    assert.equal(server.connections.length, 0);
  });

  it("rejects with the status and the fix of an HTTP refusal", async () => {
    const server = createServer().on("upgrade", (_request, socket) => {
      const body = JSON.stringify({ title: "Bad id", detail: "the id is bad", fix: "Use letters." });
      socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    await assert.rejects(openFrameStream(optionsFor(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`)), {
      name: "FrameStreamError",
      result: { kind: "refused", status: 400, message: "the id is bad", fix: "Use letters." },
    });
    server.close();
  });

  it("rejects with the status alone when the body says nothing usable", async () => {
    const server = createServer().on("upgrade", (_request, socket) => {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n[1, null]");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    await assert.rejects(openFrameStream(optionsFor(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`)), {
      result: { kind: "refused", status: 503, message: undefined, fix: undefined },
    });
    server.close();
  });

  it("rejects as unreachable where nothing listens", async () => {
    const server = await startRecordingServer();
    await server[Symbol.asyncDispose]();
    await assert.rejects(openFrameStream(optionsFor(server.url)), (error) => {
      assert.ok(error instanceof FrameStreamError);
      assert.equal(error.result.kind, "unreachable");
      assert.match(error.message, /ECONNREFUSED.*check the URL and that the server runs/);
      assert.ok(error.cause instanceof Error);
      return true;
    });
  });

  it("rejects as aborted when the signal comes while it connects", async () => {
    const silent = createTcpServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const abort = new AbortController();
    const opening = openFrameStream({
      ...optionsFor(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/ws`),
      signal: abort.signal,
    });
    await once(silent, "connection");
    abort.abort();
    await assert.rejects(opening, { result: { kind: "aborted" } });
    silent.close();
  });

  it("rejects as aborted when the signal had come before", async () => {
    await using server = await startRecordingServer();
    const opening = openFrameStream({ ...optionsFor(server.url), signal: AbortSignal.abort() });
    await assert.rejects(opening, { result: { kind: "aborted" } });
  });
});

describe("FrameStream", () => {
  it("numbers frames from 0 and sends their payloads unchanged [P-1.2]", async () => {
    await using server = await startRecordingServer();
    const stream = await openFrameStream(optionsFor(server.url));
    await stream.send(payload);
    await stream.send(payload.subarray(0, 2));
    await stream.send(payload);
    assert.deepEqual(await stream.close(), { kind: "clean" });
    const connection = server.connections[0]!;
    const rules = frameRules(format);
    const headers = connection.messages.slice(1).map((message) => parseFrame(message, rules));
    assert.deepEqual(headers, [
      { payloadBytes: 640, seq: 0 },
      { payloadBytes: 2, seq: 1 },
      { payloadBytes: 640, seq: 2 },
    ]);
    assert.deepEqual(new Uint8Array(connection.payloads[2]!), payload);
    assert.equal(await connection.closed, 1000);
  });

  it("lets the caller reuse the payload as soon as send returns", async () => {
    await using server = await startRecordingServer();
    const stream = await openFrameStream(optionsFor(server.url));
    const reused = Uint8Array.of(1, 2);
    void stream.send(reused);
    reused.fill(9);
    await stream.close();
    assert.deepEqual([...server.connections[0]!.payloads[0]!], [1, 2]);
  });

  it("makes the caller wait for a server that does not read, and go on once it does", async () => {
    const paused = Promise.withResolvers<{ resume(): void }>();
    await using server = await startRecordingServer((socket) => {
      socket.pause();
      paused.resolve(socket);
    });
    const stream = await openFrameStream(optionsFor(server.url));
    const { waiting, sentBytes } = fill(stream);
    // What the two kernels buffer is theirs; the process itself holds 64 KiB at most.
    assert.ok(sentBytes < 32 * 1024 * 1024, `${sentBytes} bytes were taken`);
    assert.throws(() => stream.send(payload), { name: "RangeError", message: /before the promise/ });
    (await paused.promise).resume();
    await waiting;
    assert.deepEqual(await stream.close(), { kind: "clean" });
    const receivedBytes = server.connections[0]!.payloads.reduce((total, { length }) => total + length, 0);
    assert.equal(receivedBytes, sentBytes);
  });

  it("closes once, whoever asks how often", async () => {
    await using server = await startRecordingServer();
    const stream = await openFrameStream(optionsFor(server.url));
    assert.equal(stream.close(), stream.close());
    assert.equal(stream.close(), stream.closed);
    assert.deepEqual(await stream.closed, { kind: "clean" });
  });

  it("takes an answer without a code as clean", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.once("message", () => socket.on("message", () => socket.close()));
    });
    const stream = await openFrameStream(optionsFor(server.url));
    // The server closes on the frame, when our own CLOSE is already on its way.
    void stream.send(payload);
    assert.deepEqual(await stream.close(), { kind: "clean" });
  });

  it("tells code and reason of a server that closes, and rejects what is sent after", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.once("message", () => socket.close(1008, "invalid handshake"));
    });
    const stream = await openFrameStream(optionsFor(server.url));
    const result = { kind: "closed-by-server", code: 1008, reason: "invalid handshake" };
    assert.deepEqual(await stream.closed, result);
    await assert.rejects(async () => stream.send(payload), { name: "FrameStreamError", result });
    assert.deepEqual(await stream.close(), result);
  });

  it("takes a server's own 1000 as not clean: it came before our close", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.once("message", () => socket.close(1000, "bye"));
    });
    const stream = await openFrameStream(optionsFor(server.url));
    assert.deepEqual(await stream.closed, { kind: "closed-by-server", code: 1000, reason: "bye" });
  });

  it("tells a connection that breaks without a close, also to a waiting send [P-1.9]", async () => {
    const connected = Promise.withResolvers<{ terminate(): void }>();
    await using server = await startRecordingServer((socket) => {
      socket.pause();
      connected.resolve(socket);
    });
    const stream = await openFrameStream(optionsFor(server.url));
    const { waiting } = fill(stream);
    (await connected.promise).terminate();
    await assert.rejects(waiting, (error) => error instanceof FrameStreamError && error.result.kind === "dropped");
    assert.equal((await stream.closed).kind, "dropped");
  });

  it("ends without a close when the signal comes", async () => {
    await using server = await startRecordingServer();
    const abort = new AbortController();
    const stream = await openFrameStream({ ...optionsFor(server.url), signal: abort.signal });
    abort.abort();
    assert.deepEqual(await stream.closed, { kind: "aborted" });
    assert.equal(await server.connections[0]!.closed, 1006);
  });
});
