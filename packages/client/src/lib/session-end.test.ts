import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { AckServer } from "./ack-server.test-support.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";
import { describeSessionResult, SessionError } from "./session-state.ts";

describe("Session.finish", () => {
  it("sends a shorter last frame, then FINI, and completes when all is durable and the server closed [P-2.1]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    session.write(new Int16Array(20));
    const done = session.finish();
    assert.deepEqual(session.state, { kind: "finishing", link: { kind: "connecting", attempt: 0 } });
    const peer = await server.next();
    await peer.welcome();
    assert.deepEqual(await peer.toldAll(4), ["ANCR 0 dropped 0", "frame 0", "frame 1", "FINI 2"]);
    assert.equal(peer.messages.all.at(-2)?.length, 12 + 8);
    peer.ack(2);
    peer.socket.close(1000);
    const result = await done;
    assert.equal(result.kind, "complete");
    assert.deepEqual(session.state, { kind: "closed", result });
  });

  it("gives every caller the same promise", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    assert.equal(session.finish(), session.finish());
    assert.equal(session.finish(), session.closed);
    session.abort();
    assert.equal(session.finish(), session.closed);
  });

  it("completes without a connection when nothing was ever written", async () => {
    await using server = await AckServer.start();
    const { startMs: _, ...options } = optionsFor(server.url);
    const result = await createSession(options).finish();
    assert.deepEqual(result, { kind: "complete", delivery: undefined, unacknowledgedFrameCount: 0, last: undefined });
    assert.equal(server.connectionCount, 0);
  });

  it("sends FINI again when the connection is lost before the close, with what is missing [P-2.4]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    session.writeFrame(makePayload(0));
    session.writeFrame(makePayload(1));
    const done = session.finish();
    const first = await server.next();
    await first.welcome();
    await first.toldAll(4);
    first.ack(1);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 1 });
    assert.deepEqual(await second.toldAll(3), ["ANCR 1 dropped 0", "frame 1", "FINI 2"]);
    second.ack(2);
    second.socket.terminate();
    const third = await server.next();
    await third.welcome({ isResumed: true, nextSeq: 2 });
    assert.equal(await third.told(), "FINI 2");
    third.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("does not take a close for the end while frames are not acknowledged", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    session.writeFrame(makePayload(0));
    const done = session.finish();
    const first = await server.next();
    await first.welcome();
    await first.toldAll(3);
    first.socket.close(1000);
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 1 });
    assert.equal(await second.told(), "FINI 1");
    second.ack(1);
    second.socket.close(1000);
    assert.equal((await done).unacknowledgedFrameCount, 0);
  });

  it("is finishing while it reconnects too", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5 }));
    session.writeFrame(makePayload(0));
    session.finish();
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(3);
    peer.socket.close(1001);
    while (!watch.states.some((state) => state.kind === "finishing" && state.link.kind === "waiting")) {
      await watch.changed();
    }
    session.abort();
    assert.equal(clock.timerCount, 0);
  });
});

describe("Session.abort", () => {
  const aborted = (delivery: "acked" | undefined, unacknowledgedFrameCount = 0) => ({
    kind: "aborted",
    delivery,
    unacknowledgedFrameCount,
    last: undefined,
  });

  it("ends a session that is idle", async () => {
    const { startMs: _, ...options } = optionsFor("ws://127.0.0.1:9/ws");
    const session = createSession(options);
    session.abort();
    assert.deepEqual(session.state, { kind: "closed", result: aborted(undefined) });
    assert.deepEqual(await session.closed, aborted(undefined));
    session.abort();
  });

  it("ends a session that connects, and its socket", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const clock = new FakeClock();
    const session = createSession(optionsFor(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/ws`, { clock }));
    const [socket] = await once(silent, "connection");
    const ended = once(socket.resume(), "close");
    session.abort();
    assert.equal(clock.timerCount, 0);
    assert.deepEqual(await session.closed, aborted(undefined));
    await ended;
    silent.close();
  });

  it("ends a session that is not welcomed yet", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const session = createSession(optionsFor(server.url, { clock }));
    const peer = await server.next();
    await peer.greeted();
    session.abort();
    assert.equal(await peer.closed, 1006);
    assert.equal(clock.timerCount, 0);
  });

  it("ends a session that is open, without a close", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const session = createSession(optionsFor(server.url, { clock }));
    session.writeFrame(makePayload(0));
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(2);
    session.abort();
    assert.deepEqual(await session.closed, aborted("acked", 1));
    assert.equal(await peer.closed, 1006);
    assert.equal(clock.timerCount, 0);
  });

  it("ends a session that waits", async () => {
    await using server = await AckServer.start();
    server.refusesWith = 503;
    const clock = new FakeClock();
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, giveUpMs: 1e6 }));
    await watch.reached("waiting", session);
    session.abort();
    assert.deepEqual(await session.closed, aborted(undefined));
    assert.equal(clock.timerCount, 0);
  });

  it("ends a session that finishes", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    session.writeFrame(makePayload(0));
    const done = session.finish();
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(3);
    session.abort();
    assert.equal((await done).kind, "aborted");
    assert.equal(await peer.closed, 1006);
  });

  it("changes nothing once a session has ended", async () => {
    await using server = await AckServer.start();
    server.refusesWith = 401;
    const session = createSession(optionsFor(server.url));
    const result = await session.closed;
    session.abort();
    assert.deepEqual(session.state, { kind: "closed", result });
    assert.equal(await session.finish(), result);
  });

  it("is what the signal does, before and after it is created", async () => {
    await using server = await AckServer.start();
    const controller = new AbortController();
    const session = createSession(optionsFor(server.url, { signal: controller.signal }));
    await server.next();
    controller.abort();
    assert.equal((await session.closed).kind, "aborted");
    const late = createSession(optionsFor(server.url, { signal: AbortSignal.abort() }));
    assert.equal((await late.closed).kind, "aborted");
    assert.equal(server.connectionCount, 1);
  });

  it("may be called from a callback", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const session = createSession(
      optionsFor(server.url, {
        clock,
        onState: ({ kind }) => {
          if (kind === "open") session.abort();
        },
      }),
    );
    session.writeFrame(makePayload(0));
    const peer = await server.next();
    await peer.welcome();
    assert.equal((await session.closed).kind, "aborted");
    assert.equal(await peer.closed, 1006);
    assert.equal(peer.messages.all.length, 2);
    assert.equal(clock.timerCount, 0);
  });
});

describe("createSession", () => {
  it("refuses what no server takes before it connects", () => {
    const options = optionsFor("ws://127.0.0.1:9/ws");
    assert.throws(() => createSession({ ...options, url: "nowhere" }), RangeError);
    assert.throws(() => createSession({ ...options, hwid: "a/b" }), RangeError);
    assert.throws(() => createSession({ ...options, format: { ...options.format, channels: 9 } }), {
      name: "ProtocolError",
    });
    assert.throws(() => createSession({ ...options, streamId: -1 }), RangeError);
    assert.throws(() => createSession({ ...options, firstSeq: 2 ** 32 }), /firstSeq is 4294967296/);
    assert.throws(() => createSession({ ...options, window: { maxBytes: 0 } }), /maxBytes is 0, it must be more/);
    assert.throws(() => createSession({ ...options, window: { maxSeconds: Number.NaN } }), /maxSeconds is NaN/);
    assert.throws(() => createSession({ ...options, giveUpMs: -5 }), /giveUpMs is -5/);
  });
});

describe("describeSessionResult", () => {
  const result = { delivery: "acked", unacknowledgedFrameCount: 0, last: undefined } as const;

  it("says in one line how it ended and what to do", () => {
    const texts = [
      describeSessionResult({ ...result, kind: "complete" }),
      describeSessionResult({ ...result, kind: "complete", unacknowledgedFrameCount: 3 }),
      describeSessionResult({ ...result, kind: "gave-up", last: { kind: "unreachable", cause: new Error("ENOENT") } }),
      describeSessionResult({ ...result, kind: "gave-up" }),
      describeSessionResult({
        ...result,
        kind: "superseded",
        last: { kind: "closed-by-server", code: 4409, reason: "" },
      }),
    ];
    assert.deepEqual(texts, [
      "everything is on the server's stable storage",
      "everything is on the server's stable storage but for 3 dropped frames",
      "no connection came about in the time given: no connection (ENOENT): check the URL and that the server runs",
      "no connection came about in the time given: nothing has answered yet; check the URL, or give more time",
      "the server closed with 4409: a newer connection has the session; make sure that only one instance of the device runs",
    ]);
  });

  it("is the message of SessionError, which carries the cause", () => {
    const cause = new Error("reset");
    const error = new SessionError({ ...result, kind: "gave-up", last: { kind: "dropped", cause } });
    assert.match(error.message, /^no connection came about in the time given: the connection broke .*reset/);
    assert.equal(error.cause, cause);
  });
});
