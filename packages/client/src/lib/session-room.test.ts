import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AckServer } from "./ack-server.test-support.ts";
import { createSession } from "./node-session.ts";
import { makePayload, optionsFor, StateWatch, smallFormat } from "./session-events.test-support.ts";

/** Room for three frames of 44 bytes. */
const threeFrames = { maxBytes: 3 * 44 };

function isPending(promise: Promise<unknown> | undefined): Promise<boolean> {
  const pending = Symbol("pending");
  return Promise.race([promise, Promise.resolve(pending)]).then((first) => first === pending);
}

describe("Session that waits when its window is full", () => {
  it("makes the writer wait until frames are acknowledged", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames }));
    assert.equal(session.writeFrame(makePayload(0)), undefined);
    assert.equal(session.writeFrame(makePayload(1)), undefined);
    const waiting = session.writeFrame(makePayload(2));
    assert.ok(waiting);
    const peer = await server.next();
    await peer.welcome();
    assert.deepEqual(await peer.toldAll(4), ["ANCR 0 dropped 0", "frame 0", "frame 1", "frame 2"]);
    assert.equal(await isPending(waiting), true);
    assert.throws(() => session.writeFrame(makePayload(3)), { name: "RangeError", message: /before the promise/ });
    peer.ack(1);
    await waiting;
    assert.ok(session.writeFrame(makePayload(3)));
    assert.equal(await peer.told(), "frame 3");
    session.abort();
  });

  it("is full by seconds of audio too", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: { maxSeconds: 0.002 } }));
    assert.equal(session.writeFrame(makePayload(0)), undefined);
    assert.ok(session.writeFrame(makePayload(1)));
    session.abort();
  });

  it("takes a long write bit by bit, though the samples are reused at once", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames }));
    const samples = Int16Array.from({ length: 16 * 8 + 5 }, (_, index) => index);
    const written = session.write(samples);
    samples.fill(-1);
    assert.equal(session.progress.written.frameCount, 3);
    const peer = await server.next();
    await peer.welcome();
    await peer.told();
    const received: number[] = [];
    for (let frameCount = 1; frameCount <= 8; frameCount += 1) {
      received.push(...new Int16Array(Uint8Array.from((await peer.next()).subarray(12)).buffer));
      if (frameCount % 3 === 0) peer.ack(frameCount);
    }
    await written;
    const done = session.finish();
    const last = await peer.next();
    received.push(...new Int16Array(Uint8Array.from(last.subarray(12)).buffer));
    assert.deepEqual(
      received,
      Array.from({ length: 16 * 8 + 5 }, (_, index) => index),
    );
    assert.equal(await peer.told(), "FINI 9");
    peer.ack(9);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.equal(session.progress.written.sampleCount, 133);
  });

  it("lets finish() come before the writer has got its room", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames }));
    const written = session.write(new Int16Array(16 * 5));
    const done = session.finish();
    await assert.rejects(session.write(new Int16Array(16)) ?? Promise.resolve(), { name: "RangeError" });
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(4);
    peer.ack(3);
    await written;
    assert.deepEqual(await peer.toldAll(3), ["frame 3", "frame 4", "FINI 5"]);
    peer.ack(5);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("tells the writer that waits when the session ends", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames }));
    const written = session.write(new Int16Array(16 * 5));
    session.abort();
    await assert.rejects(written ?? Promise.resolve(), {
      name: "SessionError",
      result: { kind: "aborted", delivery: undefined, unacknowledgedFrameCount: 3, last: undefined },
    });
    await assert.rejects(session.writeFrame(makePayload(0)) ?? Promise.resolve(), { name: "SessionError" });
  });
});

describe("Session that drops the oldest when its window is full", () => {
  it("never waits, and declares what it dropped in front of the next frame [P-2.1]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames, whenFull: "drop-oldest" }));
    const first = await server.next();
    await first.welcome();
    session.writeFrame(makePayload(0));
    await first.toldAll(2);
    first.ack(1);
    first.socket.terminate();
    for (let number = 1; number < 8; number += 1) assert.equal(session.writeFrame(makePayload(number)), undefined);
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 1 });
    assert.deepEqual(await second.toldAll(4), ["ANCR 5 dropped 4", "frame 5", "frame 6", "frame 7"]);
    assert.deepEqual(session.progress.dropped, { frameCount: 4, sampleCount: 64 });
    const done = session.finish();
    await second.told();
    second.ack(8);
    second.socket.close(1000);
    assert.deepEqual((await done).unacknowledgedFrameCount, 4);
  });

  it("does not count as dropped what was on its way and arrived", async () => {
    await using server = await AckServer.start();
    const watch = new StateWatch();
    const session = createSession(
      optionsFor(server.url, { window: threeFrames, whenFull: "drop-oldest", onState: watch.onState }),
    );
    const peer = await server.next();
    await peer.welcome();
    await watch.reached("open", session);
    for (let number = 0; number < 6; number += 1) session.writeFrame(makePayload(number));
    assert.deepEqual(await peer.toldAll(7), [
      "ANCR 0 dropped 0",
      ...Array.from({ length: 6 }, (_, number) => `frame ${number}`),
    ]);
    assert.equal(session.progress.buffered.frameCount, 3);
    const done = session.finish();
    await peer.told();
    peer.ack(6);
    peer.socket.close(1000);
    assert.equal((await done).unacknowledgedFrameCount, 0);
    assert.equal(session.progress.dropped.frameCount, 0);
  });

  it("keeps the newest of a long write", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { window: threeFrames, whenFull: "drop-oldest" }));
    assert.equal(session.write(new Int16Array(16 * 10)), undefined);
    assert.deepEqual(session.progress.buffered, {
      frameCount: 3,
      sampleCount: 48,
      byteCount: 132,
      audioS: 48 / smallFormat.sampleRateHz,
    });
    assert.equal(session.progress.dropped.frameCount, 7);
    session.abort();
  });
});
