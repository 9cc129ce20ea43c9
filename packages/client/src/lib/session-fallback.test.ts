import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatServerMessage } from "@eet/protocol";
import { startRecordingServer } from "../../../../test/support/recording-server.ts";
import { AckServer, makeWelcome } from "./ack-server.test-support.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";
import type { ConnectTransport } from "./transport.ts";
import { connectWs } from "./ws-transport.ts";

/** Selects version 1 wherever it is offered. */
const selectsPlain = (offered: Set<string>) => (offered.has("eet.v1") ? "eet.v1" : false);

/** Offers version 1 only, and so is selected for it. */
const plainTransport: ConnectTransport = (request, events) =>
  connectWs({ ...request, subprotocols: request.subprotocols.filter((name) => name === "eet.v1") }, events);

/** A session that may fall back, with one frame to deliver, and a clock and a random of the test's. */
function openWithFrame(server: AckServer) {
  const clock = new FakeClock();
  const watch = new StateWatch();
  const options = { fallback: "plain", clock, onState: watch.onState, random: () => 0.5 } as const;
  const session = createSession(optionsFor(server.url, options));
  session.writeFrame(makePayload(0));
  return { clock, watch, session };
}

describe("Session with a server that does not acknowledge [P-2.1]", () => {
  it("ends when no welcome comes within 3 s of the upgrade, twice", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5 }));
    session.writeFrame(makePayload(0));
    const first = await server.next();
    await first.greeted();
    clock.advance(2_999);
    assert.equal(session.state.kind, "connecting");
    clock.advance(1);
    await watch.reached("waiting", session);
    clock.advanceToNext();
    const second = await server.next();
    await second.greeted();
    clock.advance(3_000);
    const result = { kind: "unacknowledging", delivery: undefined, unacknowledgedFrameCount: 1, last: undefined };
    assert.deepEqual(await session.closed, result);
    assert.deepEqual([await first.closed, await second.closed], [1006, 1006]);
    assert.deepEqual([first.messages.all.length, second.messages.all.length], [2, 2]);
    assert.equal(clock.timerCount, 0);
  });

  it("ends when the subprotocol is not selected, before it says a word", async () => {
    await using server = await AckServer.start(selectsPlain);
    const session = createSession(optionsFor(server.url));
    const peer = await server.next();
    assert.equal((await session.closed).kind, "unacknowledging");
    await peer.closed;
    assert.equal(peer.messages.all.length, 0);
  });

  it("ends when no subprotocol at all is selected", async () => {
    await using server = await AckServer.start(() => false);
    const { kind, last } = await createSession(optionsFor(server.url)).closed;
    assert.deepEqual([kind, last], ["unacknowledging", { kind: "no-subprotocol" }]);
  });
});

describe("Session that may fall back to version 1 [P-2.1]", () => {
  it("sends frames from seq 0 when the subprotocol is not selected, and closes cleanly", async () => {
    await using server = await AckServer.start(selectsPlain);
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { fallback: "plain", onState: watch.onState }));
    session.writeFrame(makePayload(0));
    const peer = await server.next();
    assert.equal((await peer.next()).length, 32);
    assert.equal(await peer.told(), "frame 0");
    assert.deepEqual(session.state, { kind: "open", delivery: "plain" });
    assert.equal(session.progress.buffered.frameCount, 0, "frames are let go of once they are sent");
    session.writeFrame(makePayload(1));
    assert.equal(await peer.told(), "frame 1");
    assert.deepEqual(await session.finish(), {
      kind: "complete",
      delivery: "plain",
      unacknowledgedFrameCount: 2,
      last: { kind: "clean" },
    });
    assert.equal(await peer.closed, 1000);
    assert.equal(session.progress.durable.frameCount, 0);
  });

  it("sends no frame where the name was selected and no welcome comes, and comes back as version 1 after the second time", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session } = openWithFrame(server);
    for (let round = 0; round < 2; round += 1) {
      const peer = await server.next();
      await peer.greeted();
      clock.advance(3_000);
      await watch.reached("waiting", session);
      // Late, and of a connection that is over.
      peer.socket.send(formatServerMessage(makeWelcome()));
      assert.equal(await peer.closed, 1006);
      assert.equal(peer.messages.all.length, 2, "handshake and RSUM alone");
      clock.advanceToNext();
    }
    const plain = await server.next();
    assert.equal(plain.request.headers["sec-websocket-protocol"], "eet.v1");
    assert.equal((await plain.next()).length, 32);
    assert.equal(await plain.told(), "frame 0");
    assert.equal((await session.finish()).delivery, "plain");
  });

  it("goes on with acknowledgements where only the first welcome was late", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session } = openWithFrame(server);
    await (await server.next()).greeted();
    clock.advance(3_000);
    await watch.reached("waiting", session);
    clock.advanceToNext();
    const peer = await server.next();
    await peer.welcome();
    assert.deepEqual(await watch.reached("open", session), { kind: "open", delivery: "acked" });
    assert.equal(session.progress.buffered.frameCount, 1);
    session.abort();
  });

  it("comes back without asking for a subprotocol where none is selected", async () => {
    await using server = await AckServer.start(() => false);
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { fallback: "plain", onState: watch.onState }));
    session.writeFrame(makePayload(0));
    const done = session.finish();
    await server.next();
    const peer = await server.next();
    assert.equal(peer.request.headers["sec-websocket-protocol"], undefined);
    assert.equal((await peer.next()).length, 32);
    assert.equal(await peer.told(), "frame 0");
    assert.equal((await done).kind, "complete");
  });

  it("comes back as version 1 when a server selects what it does not know and refuses RSUM", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.on("message", (message: Buffer) => {
        if (message.toString("latin1", 0, 4) === "RSUM") socket.close(1008, "invalid audio frame");
      });
    });
    const session = createSession(optionsFor(server.url, { fallback: "plain" }));
    session.writeFrame(makePayload(5));
    assert.equal((await session.finish()).kind, "complete");
    assert.equal(server.connections.length, 2);
    assert.equal(server.connections[1]?.subprotocols, "eet.v1");
    assert.deepEqual(new Uint8Array(server.connections[1]?.payloads[0] ?? []), makePayload(5));
  });

  it("goes on after a connection that broke, with the seqs that follow", async () => {
    await using server = await AckServer.start(selectsPlain);
    const watch = new StateWatch();
    const session = createSession(optionsFor(server.url, { fallback: "plain", onState: watch.onState }));
    session.writeFrame(makePayload(0));
    const first = await server.next();
    await first.next();
    await first.told();
    first.socket.terminate();
    const second = await server.next();
    session.writeFrame(makePayload(1));
    assert.equal((await second.next()).length, 32);
    assert.equal(await second.told(), "frame 1");
    session.abort();
  });

  it("cannot confirm the last frames when the connection breaks before the close is answered", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.pause();
      setImmediate(() => socket.terminate());
    });
    const session = createSession(optionsFor(server.url, { fallback: "plain", transport: plainTransport }));
    session.writeFrame(makePayload(0));
    assert.equal((await session.finish()).kind, "unconfirmed");
  });

  it("never falls back once a server has acknowledged: it comes back until it is welcomed", async () => {
    await using server = await AckServer.start();
    const { clock, watch, session } = openWithFrame(server);
    const first = await server.next();
    await first.welcome();
    await first.toldAll(2);
    first.socket.terminate();
    await watch.reached("waiting", session);
    clock.advanceToNext();
    const second = await server.next();
    await second.greeted();
    clock.advance(3_000);
    assert.equal((await watch.reached("waiting", session)).reason.kind, "dropped");
    clock.advanceToNext();
    const third = await server.next();
    await third.welcome({ isResumed: true });
    assert.deepEqual(await third.toldAll(2), ["ANCR 0 dropped 0", "frame 0"]);
    assert.equal(second.messages.all.length, 2);
    session.abort();
  });
});
