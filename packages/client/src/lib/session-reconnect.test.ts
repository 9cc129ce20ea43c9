import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { AckServer } from "./ack-server.test-support.ts";
import type { CloseResult } from "./close-result.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import type { Session, SessionOptions } from "./session.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";

/** A session with a clock and a random of the test's, connected and open. */
async function openSession(server: AckServer, options: Partial<SessionOptions> = {}) {
  const clock = new FakeClock();
  const watch = new StateWatch();
  const session = createSession(
    optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5, ...options }),
  );
  const peer = await server.next();
  await peer.welcome();
  await watch.reached("open", session);
  return { clock, watch, session, peer };
}

/** How long a session waits now. */
function waitMs(session: Session, clock: FakeClock): number {
  const { state } = session;
  return state.kind === "waiting" ? state.untilMs - clock.wallMs() : -1;
}

describe("Session after a connection ended [P-2.8]", () => {
  const minDelays: readonly (readonly [code: number, minDelayMs: number])[] = [
    [1001, 0],
    [1011, 0],
    [4408, 0],
    [4429, 30_000],
    [4503, 10_000],
    [4507, 10_000],
    [4999, 0],
  ];
  for (const [code, minDelayMs] of minDelays) {
    it(`comes back after ${code}, ${minDelayMs} ms later at least, and resumes`, async () => {
      await using server = await AckServer.start();
      const { clock, watch, session, peer } = await openSession(server);
      session.writeFrame(makePayload(0));
      peer.socket.close(code, "why");
      const { reason } = await watch.reached("waiting", session);
      assert.deepEqual(reason, { kind: "closed-by-server", code, reason: "why" });
      assert.equal(waitMs(session, clock), minDelayMs + 250);
      clock.advance(minDelayMs + 249);
      assert.equal(session.state.kind, "waiting");
      clock.advance(1);
      assert.deepEqual(session.state, { kind: "connecting", attempt: 1 });
      const next = await server.next();
      await next.welcome({ isResumed: true, nextSeq: 0 });
      assert.deepEqual(await next.toldAll(2), ["ANCR 0 dropped 0", "frame 0"]);
      session.abort();
    });
  }

  for (const code of [1000, 1002, 1003, 1008, 1009, 4400, 4401, 4403, 4413, 4415, 4422]) {
    it(`stops after ${code}`, async () => {
      await using server = await AckServer.start();
      const { session, peer, clock } = await openSession(server);
      session.writeFrame(makePayload(0));
      peer.socket.close(code);
      assert.deepEqual(await session.closed, {
        kind: "refused",
        delivery: "acked",
        unacknowledgedFrameCount: 1,
        last: { kind: "closed-by-server", code, reason: "" },
      });
      assert.equal(clock.timerCount, 0);
    });
  }

  it("stops after 4409: another connection has the session", async () => {
    await using server = await AckServer.start();
    const { session, peer } = await openSession(server);
    peer.socket.close(4409);
    assert.equal((await session.closed).kind, "superseded");
  });

  it("comes back after a connection that broke, waiting longer each time until frames are acknowledged", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server);
    let current = peer;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      current.socket.terminate();
      await watch.reached("waiting", session);
      waits.push(waitMs(session, clock));
      clock.advanceToNext();
      current = await server.next();
      await current.welcome({ isResumed: true });
      await watch.reached("open", session);
    }
    assert.deepEqual(waits, [250, 500, 1_000, 2_000], "being connected is no progress by itself");
    session.writeFrame(makePayload(0));
    await current.toldAll(2);
    current.ack(1);
    current.socket.terminate();
    await watch.reached("waiting", session);
    assert.equal(waitMs(session, clock), 250);
    session.abort();
  });
});

describe("Session that is told to connect now", () => {
  it("does not wait any longer, delivers what it holds though it is finishing, and keeps the bound of its waits", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server);
    session.connectNow();
    assert.equal(session.state.kind, "open");
    session.writeFrame(makePayload(0));
    await peer.toldAll(2);
    peer.socket.terminate();
    await watch.reached("waiting", session);
    const done = session.finish();
    session.connectNow();
    assert.deepEqual(session.state, { kind: "finishing", link: { kind: "connecting", attempt: 1 } });
    const timerCount = clock.timerCount;
    session.connectNow();
    assert.equal(clock.timerCount, timerCount, "one attempt at a time");
    const next = await server.next();
    await next.welcome({ isResumed: true, nextSeq: 0 });
    assert.deepEqual(await next.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "FINI 1"]);
    next.ack(1);
    next.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.equal(clock.timerCount, 0);
  });

  it("keeps the wait that the server asks for, without the random one on top", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server);
    peer.socket.close(4503);
    await watch.reached("waiting", session);
    assert.equal(waitMs(session, clock), 10_250);
    clock.advance(4_000);
    session.connectNow();
    assert.equal(waitMs(session, clock), 6_000);
    session.connectNow();
    clock.advance(5_999);
    assert.equal(session.state.kind, "waiting");
    clock.advance(1);
    assert.equal(session.state.kind, "connecting");
    session.abort();
  });

  it("does nothing once it has ended", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server);
    peer.socket.terminate();
    await watch.reached("waiting", session);
    session.abort();
    session.connectNow();
    assert.equal(session.state.kind, "closed");
    assert.equal(clock.timerCount, 0);
  });
});

describe("Session whose upgrade is refused [P-2.8]", () => {
  for (const status of [400, 401, 403, 404]) {
    it(`ends on status ${status}`, async () => {
      await using server = await AckServer.start();
      server.refusesWith = status;
      const result = await createSession(optionsFor(server.url)).closed;
      assert.deepEqual(result, {
        kind: "refused",
        delivery: undefined,
        unacknowledgedFrameCount: 0,
        last: { kind: "refused", status, message: undefined, fix: undefined },
      });
    });
  }

  for (const [status, delayMs] of [
    [429, 30_000],
    [500, 0],
    [503, 10_000],
  ] as const) {
    it(`tries again on status ${status}, ${delayMs} ms later at least`, async () => {
      await using server = await AckServer.start();
      server.refusesWith = status;
      const clock = new FakeClock();
      const watch = new StateWatch();
      const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5 }));
      await watch.reached("waiting", session);
      assert.equal(waitMs(session, clock), delayMs + 250);
      server.refusesWith = 0;
      clock.advance(delayMs + 250);
      await (await server.next()).welcome();
      assert.deepEqual(await watch.reached("open", session), { kind: "open", delivery: "acked" });
      assert.equal(session.progress.reconnectCount, 0);
      session.abort();
    });
  }

  it("tries again where nothing listens", async () => {
    const server = await AckServer.start();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const clock = new FakeClock();
    const watch = new StateWatch();
    const session = createSession(optionsFor(url, { clock, onState: watch.onState }));
    assert.equal((await watch.reached("waiting", session)).reason.kind, "unreachable");
    session.abort();
    assert.equal(clock.timerCount, 0);
  });
});

describe("Session without a connection", () => {
  it("gives up after giveUpMs, counted from when the connection was lost", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server, { giveUpMs: 100_000 });
    clock.advance(10_000);
    session.writeFrame(makePayload(0));
    peer.socket.close(4429);
    await watch.reached("waiting", session);
    server.refusesWith = 503;
    const startMs = clock.wallMs();
    while (session.state.kind !== "closed") {
      await watch.reached("waiting", session);
      clock.advance(Math.min(waitMs(session, clock), startMs + 100_000 - clock.wallMs()));
      if (clock.wallMs() < startMs + 100_000) assert.notEqual(session.state.kind, "closed");
    }
    assert.equal(clock.wallMs(), startMs + 100_000);
    const { kind, last, unacknowledgedFrameCount } = await session.closed;
    assert.deepEqual([kind, last?.kind, unacknowledgedFrameCount], ["gave-up", "refused", 1]);
    assert.equal(clock.timerCount, 0);
  });

  it("says why the last attempt failed, though it gives up amid the next", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const clock = new FakeClock();
    const watch = new StateWatch();
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/ws`;
    const options = { clock, onState: watch.onState, random: () => 0.5, giveUpMs: 1_000 };
    const session = createSession(optionsFor(url, options));
    const [first] = await once(silent, "connection");
    (first as Socket).destroy();
    const { reason } = await watch.reached("waiting", session);
    const next = once(silent, "connection");
    clock.advance(waitMs(session, clock));
    const [second] = await next;
    assert.equal(session.state.kind, "connecting");
    clock.advance(1_000);
    const { kind, last } = await session.closed;
    assert.deepEqual([kind, last], ["gave-up", reason]);
    (second as Socket).destroy();
    silent.close();
  });

  it("drops an upgrade that is not answered in 30 s", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const clock = new FakeClock();
    const watch = new StateWatch();
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/ws`;
    const session = createSession(optionsFor(url, { clock, onState: watch.onState, random: () => 0.5 }));
    const [socket] = await once(silent, "connection");
    const ended = once(socket.resume(), "close");
    clock.advance(30_000);
    const { reason } = await watch.reached("waiting", session);
    assert.match(
      (reason as Extract<CloseResult, { kind: "dropped" }>).cause?.message ?? "",
      /upgrade was not answered/,
    );
    await ended;
    session.abort();
    silent.close();
  });

  it("drops a server that does not answer RSUM in 75 s", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5 }));
    const peer = await server.next();
    await peer.welcome({ answersResume: false });
    const pong = once(peer.socket, "pong");
    peer.socket.ping();
    await pong;
    clock.advance(74_999);
    assert.equal(session.state.kind, "connecting");
    clock.advance(1);
    assert.equal((await watch.reached("waiting", session)).reason.kind, "dropped");
    assert.equal(await peer.closed, 1006);
    session.abort();
  });
});

describe("Session with a silent peer [P-3.3]", () => {
  it("pings after 25 s of silence, and drops it after 75 s", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session, peer } = await openSession(server);
    let pingCount = 0;
    // A peer that is gone without a word.
    peer.socket.on("ping", () => {
      pingCount += 1;
    });
    Object.assign(peer.socket, { _autoPong: false });
    const firstPing = once(peer.socket, "ping");
    clock.advance(5_000);
    await firstPing;
    const secondPing = once(peer.socket, "ping");
    clock.advance(5_000);
    await secondPing;
    assert.equal(pingCount, 2);
    assert.equal(session.state.kind, "open");
    clock.advance(5_000);
    const { reason } = await watch.reached("waiting", session);
    assert.match((reason as Extract<CloseResult, { kind: "dropped" }>).cause?.message ?? "", /no byte came for 15/);
    assert.equal(await peer.closed, 1006);
    session.abort();
  });

  it("stays with a peer that answers pings", async () => {
    await using server = await AckServer.start();
    const { clock, session, peer } = await openSession(server);
    for (let round = 0; round < 5; round += 1) {
      const ping = once(peer.socket, "ping");
      clock.advance(7_500);
      await ping;
      // The pong is on its way before this pong's answer is.
      const pong = once(peer.socket, "pong");
      peer.socket.ping();
      await pong;
    }
    assert.equal(session.state.kind, "open");
    session.abort();
  });
});
