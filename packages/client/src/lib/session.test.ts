import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Anchor, formatServerMessage, parseDeviceMessage, parseHandshake } from "@eet/protocol";
import { AckServer, describeMessage, makeWelcome, sessionName } from "./ack-server.test-support.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import { makePayload, optionsFor, StateWatch, smallFormat } from "./session-events.test-support.ts";
import type { ConnectTransport } from "./transport.ts";
import { connectWs } from "./ws-transport.ts";

const golden: { readonly [name: string]: string } & { readonly ack: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(new URL("../../../../test/vectors/adpcm.json", import.meta.url), "utf8"),
);

/** Writes frames `from` to `to - 1`, each filled with its own number. */
function writeFrames(session: { writeFrame(payload: Uint8Array): unknown }, from: number, to: number): void {
  for (let number = from; number < to; number += 1) session.writeFrame(makePayload(number));
}

function isFrame(message: Buffer): boolean {
  return describeMessage(message).startsWith("frame");
}

describe("Session on the wire", () => {
  it("sends the golden bytes: handshake, RSUM right behind it, frames, FINI [P-1.1] [P-2.1]", async () => {
    await using server = await AckServer.start();
    const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 } as const;
    const session = createSession({ ...optionsFor(server.url), format, streamId: 7, startMs: 1_700_000_000_000 });
    const peer = await server.next();
    assert.equal((await peer.next()).toString("hex"), golden["handshake_adpcm_16k_mono_fs16"]);
    assert.equal((await peer.next()).toString("hex"), "5253554d0c00000000000000000000000000000001000000");
    const { frame0 } = golden as unknown as { frame0: { wire_lo: string; pcm_in: number[] } };
    session.write(Int16Array.from(frame0.pcm_in));
    peer.socket.send(Buffer.from(golden.ack["WELC_new"] ?? "", "hex"));
    peer.socket.send(formatServerMessage(makeWelcome({ session: 0x1122334455667788n })));
    assert.equal(parseDeviceMessage(await peer.next()).kind, "anchor");
    assert.equal((await peer.next()).toString("hex"), frame0.wire_lo);
    const done = session.finish();
    assert.equal((await peer.next()).toString("hex"), "46494e490000000001000000");
    peer.ack(1);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("connects to the device's path, offers both subprotocols and sends the token as a header [P-2.1] [P-3.1]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { hwid: "mic-1", token: "secret" }));
    const { request } = await server.next();
    assert.equal(request.url, "/ws/mic-1");
    assert.equal(request.headers["sec-websocket-protocol"], "eet.v1+ack,eet.v1");
    assert.equal(request.headers.authorization, "Bearer secret");
    session.abort();
  });

  it("sends no frame before the welcome that answers RSUM [P-2.4]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const peer = await server.next();
    writeFrames(session, 0, 2);
    await peer.welcome({ answersResume: false });
    peer.ack(2);
    const pong = new Promise((resolve) => peer.socket.once("pong", resolve));
    peer.socket.ping();
    await pong;
    assert.equal(peer.messages.all.length, 2);
    assert.equal(session.state.kind, "connecting");
    peer.socket.send(formatServerMessage(makeWelcome()));
    assert.deepEqual(await peer.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    session.abort();
  });

  it("connects at the first write where no start is given, and says when that was", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const { startMs: _, ...options } = optionsFor(server.url, { clock });
    const session = createSession(options);
    assert.deepEqual(session.state, { kind: "idle" });
    clock.advance(60_000);
    writeFrames(session, 0, 1);
    assert.deepEqual(session.state, { kind: "connecting", attempt: 0 });
    const peer = await server.next();
    assert.equal(parseHandshake(await peer.next()).timestampMs, BigInt(clock.wallMs()));
    session.abort();
  });

  it("ties the first frame, and one every 30 s, to the device's clocks [P-2.1]", async () => {
    await using server = await AckServer.start();
    const format = { ...smallFormat, frameSampleCount: 16_000 };
    const session = createSession(optionsFor(server.url, { format }));
    const peer = await server.next();
    await peer.welcome();
    for (let second = 0; second <= 30; second += 1) session.write(new Int16Array(16_000));
    const messages = [];
    while (messages.length < 33) messages.push(await peer.next());
    const anchors = messages.flatMap((message, index) => {
      const { captureUs, ...anchor } = isFrame(message) ? { captureUs: 0 } : (parseDeviceMessage(message) as Anchor);
      return isFrame(message) ? [] : [{ index, ...anchor, captureS: captureUs / 1_000_000 }];
    });
    const anchor = { kind: "anchor", droppedFrameCount: 0 };
    const [{ captureS } = { captureS: 0 }] = anchors;
    assert.deepEqual(anchors, [
      { ...anchor, index: 0, seq: 0, captureMs: 1_700_000_000_000, captureS },
      { ...anchor, index: 31, seq: 30, captureMs: 1_700_000_030_000, captureS: anchors[1]?.captureS },
    ]);
    assert.equal(Math.round((anchors[1]?.captureS ?? 0) - captureS), 30);
    session.abort();
  });

  it("resumes: sends only what the server does not have, and keeps the rest until it is acknowledged [P-2.4]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { nibbleOrder: "low" }));
    const first = await server.next();
    await first.welcome();
    writeFrames(session, 0, 6);
    await first.toldAll(7);
    first.ack(2);
    first.socket.terminate();
    const second = await server.next();
    const resume = await second.welcome({ isResumed: true, nextSeq: 4 });
    assert.deepEqual(resume, { kind: "resume", session: sessionName, oldestSeq: 2, nibbleOrder: undefined });
    assert.deepEqual(await second.toldAll(3), ["ANCR 4 dropped 0", "frame 4", "frame 5"]);
    assert.equal(session.progress.buffered.frameCount, 4);
    second.socket.terminate();
    const third = await server.next();
    await third.welcome({ isResumed: true, nextSeq: 3 });
    assert.deepEqual(await third.toldAll(4), ["ANCR 3 dropped 0", "frame 3", "frame 4", "frame 5"]);
    assert.deepEqual(third.messages.all[4]?.subarray(12), Buffer.from(makePayload(4)));
    assert.equal(session.progress.reconnectCount, 2);
    session.abort();
  });

  it("sends everything it holds to a fresh session, and remembers that one [P-2.4]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const first = await server.next();
    await first.welcome();
    writeFrames(session, 0, 4);
    await first.toldAll(5);
    first.ack(1);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ session: 77n });
    assert.deepEqual(await second.toldAll(4), ["ANCR 1 dropped 0", "frame 1", "frame 2", "frame 3"]);
    assert.equal(parseHandshake(second.messages.all[0] as Buffer).timestampMs, 1_700_000_000_001n, "of frame 1");
    second.socket.terminate();
    const third = await server.next();
    assert.equal(((await third.greeted()) as { session: bigint }).session, 77n);
    session.abort();
  });

  it("begins a fresh session when the server claims frames that were never sent", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const first = await server.next();
    await first.welcome();
    writeFrames(session, 0, 2);
    await first.toldAll(3);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 3 });
    const third = await server.next();
    assert.equal(((await third.welcome()) as { session: bigint }).session, 0n);
    assert.deepEqual(await third.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    session.abort();
  });

  it("takes a resumed session of another name for a fresh one", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const first = await server.next();
    await first.welcome();
    writeFrames(session, 0, 2);
    await first.toldAll(3);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 2, session: 5n });
    assert.deepEqual(await second.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    session.abort();
  });

  it("frees nothing by acknowledgements that are late, ahead or not persisting [P-2.2]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const peer = await server.next();
    await peer.welcome();
    writeFrames(session, 0, 4);
    await peer.toldAll(5);
    peer.ack(2);
    for (const durableNext of [5, 2 ** 31, 2 ** 32 - 1, 1, 0]) peer.ack(durableNext);
    peer.ack(4, { isNotPersisting: true });
    peer.socket.send("text");
    peer.socket.send(Buffer.from("short"));
    peer.socket.send(Buffer.alloc(40));
    const pong = new Promise((resolve) => peer.socket.once("pong", resolve));
    peer.socket.ping();
    await pong;
    assert.equal(session.progress.buffered.frameCount, 2);
    assert.deepEqual(session.progress.durable, { frameCount: 2, sampleCount: 32 });
    session.abort();
  });

  it("goes on where seq wraps [P-2.2]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { firstSeq: 2 ** 32 - 2 }));
    const first = await server.next();
    await first.welcome();
    writeFrames(session, 0, 4);
    const last = 2 ** 32 - 1;
    assert.deepEqual(await first.toldAll(5), [
      `ANCR ${last - 1} dropped 0`,
      `frame ${last - 1}`,
      `frame ${last}`,
      "frame 0",
      "frame 1",
    ]);
    first.ack(last);
    first.socket.terminate();
    const second = await server.next();
    assert.equal(((await second.welcome({ isResumed: true, nextSeq: 1 })) as { oldestSeq: number }).oldestSeq, last);
    assert.deepEqual(await second.toldAll(2), ["ANCR 1 dropped 0", "frame 1"]);
    const done = session.finish();
    assert.equal(await second.told(), "FINI 2");
    second.ack(2);
    second.socket.close(1000);
    assert.deepEqual(await done, {
      kind: "complete",
      delivery: "acked",
      unacknowledgedFrameCount: 0,
      last: { kind: "closed-by-server", code: 1000, reason: "" },
    });
  });

  it("tells what is uploaded where the server does", async () => {
    await using server = await AckServer.start();
    const progress: (number | undefined)[] = [];
    const session = createSession(
      optionsFor(server.url, { onProgress: ({ uploaded }) => progress.push(uploaded?.frameCount) }),
    );
    const peer = await server.next();
    assert.equal(session.progress.uploaded, undefined);
    await peer.welcome({ hasUploads: true });
    writeFrames(session, 0, 4);
    await peer.toldAll(5);
    peer.ack(4, { uploadedNext: 3 });
    const done = session.finish();
    await peer.told();
    peer.socket.close(1000);
    await done;
    assert.deepEqual(session.progress.uploaded, { frameCount: 3, sampleCount: 48 });
    assert.equal(progress.at(-1), 3);
  });

  it("sends nothing for one ack interval when asked to slow down, then no faster than audio is made [P-2.1]", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const progressed: (() => void)[] = [];
    const session = createSession(optionsFor(server.url, { clock, onProgress: () => progressed.shift()?.() }));
    const nextProgress = () => new Promise<void>((resolve) => progressed.push(resolve));
    const sentCount = () => session.progress.sent.frameCount;
    const peer = await server.next();
    await peer.welcome({ ackIntervalMs: 400 });
    writeFrames(session, 0, 1);
    await peer.toldAll(2);
    const slowed = nextProgress();
    peer.ack(1, { isSlowDown: true });
    await slowed;
    assert.equal(session.progress.isSlowedDown, true);
    writeFrames(session, 1, 6);
    clock.advance(399);
    assert.equal(sentCount(), 1);
    clock.advance(1);
    assert.equal(sentCount(), 2);
    const frameMs = (smallFormat.frameSampleCount * 1000) / smallFormat.sampleRateHz;
    clock.advance(frameMs);
    assert.equal(sentCount(), 3);
    const slowedAgain = nextProgress();
    peer.ack(3, { isSlowDown: true });
    await slowedAgain;
    clock.advance(frameMs);
    assert.equal(sentCount(), 4);
    const released = nextProgress();
    peer.ack(4);
    await released;
    assert.deepEqual([sentCount(), session.progress.isSlowedDown], [6, false]);
    session.abort();
  });

  it("refuses frames larger than the server takes", async () => {
    await using server = await AckServer.start();
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { onState: watch.onState }));
    await (await server.next()).welcome({ maxMessageBytes: 43 });
    await watch.reached("open", session);
    assert.throws(() => session.writeFrame(makePayload(1)), { code: "MESSAGE_TOO_BIG" });
    session.abort();
  });

  it("never has more than 64 KiB in the socket, and gives other work a turn", async () => {
    await using server = await AckServer.start();
    const format = { codec: "pcm16", sampleRateHz: 192_000, channels: 8, frameSampleCount: 1_000 } as const;
    const bounds = { maxBytes: 64 * 1024 * 1024 };
    const watch = new StateWatch();
    let mostBytes = 0;
    const transport: ConnectTransport = (request, events) => {
      const inner = connectWs(request, events);
      const send = inner.send.bind(inner);
      inner.send = (message) => {
        send(message);
        mostBytes = Math.max(mostBytes, inner.bufferedBytes);
      };
      return inner;
    };
    const options = { format, window: bounds, onState: watch.onState, transport };
    const session = createSession(optionsFor(server.url, options));
    const peer = await server.next();
    await peer.welcome();
    await watch.reached("open", session);
    peer.socket.pause();
    const payload = new Uint8Array(16_000);
    for (let number = 0; number < 2_000; number += 1) session.writeFrame(payload);
    // What the two kernels take is theirs: far less than the 32 MB that were written.
    const { sent } = session.progress;
    assert.ok(sent.frameCount >= 4 && sent.frameCount < 1_900, `${sent.frameCount} frames were sent at once`);
    peer.socket.resume();
    const done = session.finish();
    while ((await peer.told()) !== "FINI 2000");
    peer.ack(2_000);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.ok(mostBytes > 16_000 && mostBytes <= 64 * 1024, `${mostBytes} bytes waited in the socket`);
  });
});
