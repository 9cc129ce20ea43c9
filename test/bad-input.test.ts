import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { describe, it } from "node:test";
import { formatFrame, formatHandshake, limits } from "@eet/protocol";
import WebSocket from "ws";
import { findFaults, findLeftovers, readSegments, splitFrames } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = formatHandshake({ streamId: 1, format, timestampMs: 0n });
/** Frames that a device sends before it goes wrong. */
const goodFrameCount = 50;

/** A valid payload, different for each seq. */
function payloadOf(seq: number): Uint8Array {
  return new Uint8Array(164).fill(seq & 255, 4);
}

const frameOf = (seq: number) => formatFrame("adpcm", seq, payloadOf(seq));
const next = frameOf(goodFrameCount);

/** A copy of a message with one byte changed. */
function patch(message: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(message);
  copy[at] = value;
  return copy;
}

/** What a device sends and what it is told. */
interface Misdeed {
  readonly message: Uint8Array | string;
  readonly code: string;
  readonly close: string;
}

const invalidFrame = "1008 invalid audio frame";
const invalidHandshake = "1008 invalid handshake";
const invalidSize = "1008 frame payload size invalid";

/** After a handshake and 50 frames. */
const misdeeds: Readonly<Record<string, Misdeed>> = {
  text: { message: "hello", code: "BINARY_REQUIRED", close: "1003 binary required" },
  magic: { message: patch(next, 0, 0xff), code: "FRAME_MAGIC", close: invalidFrame },
  "second-handshake": { message: handshake, code: "FRAME_MAGIC", close: invalidFrame },
  codec: {
    message: formatFrame("pcm16", 50, new Uint8Array(640)),
    code: "FRAME_CODEC",
    close: "1008 frame codec mismatch",
  },
  short: { message: next.subarray(0, 11), code: "FRAME_TOO_SHORT", close: invalidFrame },
  length: { message: patch(next, 4, 163), code: "FRAME_LENGTH", close: invalidFrame },
  "step-index": { message: patch(next, 14, 89), code: "FRAME_STEP_INDEX", close: invalidFrame },
  "no-state": { message: formatFrame("adpcm", 50, new Uint8Array(3)), code: "FRAME_PAYLOAD_SIZE", close: invalidSize },
  "too-long": { message: formatFrame("adpcm", 50, new Uint8Array(181)), code: "FRAME_TOO_LONG", close: invalidSize },
  "too-big": { message: new Uint8Array(limits.maxMessageBytes + 1), code: "MESSAGE_TOO_BIG", close: "1009 too big" },
};

/** Instead of a handshake. */
const falseStarts: Readonly<Record<string, Misdeed>> = {
  "frame-first": { message: frameOf(0), code: "HANDSHAKE_MAGIC", close: invalidHandshake },
  "text-first": { message: "hello", code: "BINARY_REQUIRED", close: "1003 binary required" },
  "cut-handshake": { message: handshake.subarray(0, 31), code: "HANDSHAKE_TOO_SHORT", close: invalidHandshake },
  version: { message: patch(handshake, 4, 2), code: "HANDSHAKE_VERSION", close: invalidHandshake },
  codec2: { message: patch(handshake, 18, 2), code: "HANDSHAKE_CODEC", close: invalidHandshake },
  rate: { message: patch(handshake, 13, 0), code: "HANDSHAKE_SAMPLE_RATE", close: invalidHandshake },
  channels: { message: patch(handshake, 16, 9), code: "HANDSHAKE_CHANNELS", close: invalidHandshake },
};

async function connect(server: ServerProcess, hwid: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url}/${hwid}`, { perMessageDeflate: false });
  // The server may drop the line in the midst of what is being sent.
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

function sendGoodFrames(socket: WebSocket): void {
  socket.send(handshake);
  for (let seq = 0; seq < goodFrameCount; seq++) socket.send(frameOf(seq));
}

/** How the server closed: `1008 invalid handshake`; `1006 ` when it dropped the line. */
async function closeOf(socket: WebSocket): Promise<string> {
  const [code, reason] = await once(socket, "close");
  return `${code} ${reason}`;
}

/** The line that says why a device's connection ended. */
function endOf(server: ServerProcess, hwid: string) {
  return server.line((line) => line.msg === "connection ended" && line["hwid"] === hwid);
}

/** Commits one misdeed and checks what the device and the log are told. */
async function misbehave(server: ServerProcess, hwid: string, misdeed: Misdeed, isStarted: boolean): Promise<void> {
  const socket = await connect(server, hwid);
  if (isStarted) sendGoodFrames(socket);
  socket.send(misdeed.message);
  // Nothing that comes after it counts.
  socket.send(next);
  assert.equal(await closeOf(socket), misdeed.close, hwid);
  const line = await endOf(server, hwid);
  assert.equal(line["code"], misdeed.code, hwid);
  assert.ok(String(line["detail"]).length > 20, `${hwid}: the log says what came: ${line["detail"]}`);
  assert.equal(line["frameCount"], isStarted ? goodFrameCount : 0, hwid);
}

/** Asks for an upgrade with a path as it stands, which no WebSocket client would send. @returns the status */
function requestUpgrade(port: number, path: string): Promise<number | undefined> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers, agent: false })
      .once("response", (response) => resolve(response.resume().statusCode))
      .once("upgrade", (response, socket) => {
        socket.destroy();
        resolve(response.statusCode);
      })
      .once("error", reject);
  });
}

async function assertRecorded(received: string, hwids: readonly string[]): Promise<void> {
  assert.deepEqual(await findLeftovers(received), []);
  assert.deepEqual(await findFaults(received), []);
  const segments = await readSegments(received);
  assert.deepEqual(
    segments.map(({ sidecar }) => sidecar.hwid).sort(),
    [...hwids].sort(),
    "one segment for each device that began well",
  );
  for (const { path, sidecar } of segments) {
    const frames = splitFrames(await readFile(`${path}.bin`));
    const good = Array.from({ length: goodFrameCount }, (_, seq) => ({ seq, payload: Buffer.from(payloadOf(seq)) }));
    assert.deepEqual(frames, good, path);
    assert.equal(sidecar.wav_samples, goodFrameCount * format.frameSampleCount, path);
  }
}

describe("bad input", () => {
  it("ends its connection with a reason, keeps what came before, and the server lives on", async (t) => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path });
    await Promise.all([
      ...Object.entries(misdeeds).map(([hwid, misdeed]) => misbehave(server, hwid, misdeed, true)),
      ...Object.entries(falseStarts).map(([hwid, misdeed]) => misbehave(server, hwid, misdeed, false)),
    ]);

    const good = await connect(server, "good");
    sendGoodFrames(good);
    good.close(1000);
    await closeOf(good);
    assert.equal((await endOf(server, "good"))["code"], "CLIENT_CLOSED");

    assert.equal(await server.stop(), 0, server.errors);
    await assertRecorded(`${folder.path}/data/received`, [...Object.keys(misdeeds), "good"]);
    const endCount = Object.keys(misdeeds).length + Object.keys(falseStarts).length;
    assert.equal(server.problems.length, endCount, "one warning for each misdeed, and no other");
    t.diagnostic(`${endCount} misdeeds`);
  });

  it("is no message that comes byte by byte, until it takes too many pieces", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path });
    const patient = await connect(server, "patient");
    for (const message of [handshake, ...Array.from({ length: goodFrameCount }, (_, seq) => frameOf(seq))]) {
      sendPieces(patient, message);
    }
    patient.close(1000);
    assert.equal(await closeOf(patient), "1000 ");

    const endless = await connect(server, "endless");
    sendGoodFrames(endless);
    sendPieces(endless, new Uint8Array(limits.maxFragmentCount + 1));
    assert.equal(await closeOf(endless), "1009 too big");
    assert.equal((await endOf(server, "endless"))["code"], "MESSAGE_TOO_BIG");

    assert.equal(await server.stop(), 0, server.errors);
    await assertRecorded(`${folder.path}/data/received`, ["patient", "endless"]);
  });

  it("is a handshake that does not come within 10 s: the line is dropped", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path });
    const silent = await connect(server, "silent");
    assert.equal(await closeOf(silent), "1006 ");
    const line = await endOf(server, "silent");
    assert.equal(line["code"], "HANDSHAKE_TIMEOUT");
    assert.ok(Number(line["durationMs"]) >= limits.handshakeTimeoutMs);
    assert.equal(await server.stop(), 0, server.errors);
    await assertRecorded(`${folder.path}/data/received`, []);
  });

  it("is a hwid with other characters, which is refused before the upgrade [P-1.8]", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path });
    const hwids = ["..", "a/b", "../a", "a%2fb", "%2e%2e", "a%00", "a%20b", "mikrofon-%C3%BC", "x".repeat(65)];
    for (const hwid of hwids) assert.equal(await requestUpgrade(server.port, `/ws/${hwid}`), 400, hwid);

    // A dot becomes an underscore.
    assert.equal(await requestUpgrade(server.port, "/ws/a.b"), 101);
    assert.equal((await endOf(server, "a_b"))["code"], "CLIENT_LOST");
    assert.equal(await server.stop(), 0, server.errors);
    const refusals = server.lines.filter(({ msg }) => msg === "connection refused");
    assert.deepEqual(
      refusals.map((line) => [line["path"], line["code"]]),
      hwids.map((hwid) => [`/ws/${hwid}`, "HWID_INVALID"]),
    );
  });
});

/** Sends a message in fragments of one byte. */
function sendPieces(socket: WebSocket, message: Uint8Array): void {
  for (let at = 0; at < message.length; at++) {
    socket.send(message.subarray(at, at + 1), { fin: at === message.length - 1, binary: true });
  }
}
