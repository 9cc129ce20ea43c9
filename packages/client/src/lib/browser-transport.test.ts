import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatServerMessage } from "@eet/protocol";
import { AckServer, makeWelcome } from "./ack-server.test-support.ts";
import { createSession } from "./browser-session.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";

// Node has the browsers' WebSocket too, by another implementation than ws.
describe("createSession of the entrance for browsers", () => {
  it("offers the token as a subprotocol, behind the others [P-3.1]", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url, { hwid: "mic", token: "gé/heim+?" }));
    const { request } = await server.next();
    const offered = request.headers["sec-websocket-protocol"]?.split(/, */);
    assert.deepEqual(offered, ["eet.v1+ack", "eet.v1", `eet.bearer.${Buffer.from("gé/heim+?").toString("base64url")}`]);
    assert.equal(request.headers.authorization, undefined);
    assert.equal(request.url, "/ws/mic");
    session.abort();
  });

  it("delivers, resumes and finishes", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const first = await server.next();
    await first.welcome();
    session.writeFrame(makePayload(0));
    session.writeFrame(makePayload(1));
    assert.deepEqual(await first.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    assert.deepEqual(new Uint8Array(first.messages.all[3]?.subarray(12) ?? []), makePayload(0));
    first.ack(1);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 1 });
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

  it("tells code and reason of a server that closes", async () => {
    await using server = await AckServer.start();
    const session = createSession(optionsFor(server.url));
    const peer = await server.next();
    await peer.welcome();
    peer.socket.close(4415, "no such format");
    const { kind, last } = await session.closed;
    assert.deepEqual([kind, last], ["refused", { kind: "closed-by-server", code: 4415, reason: "no such format" }]);
  });

  it("tries again after a refused upgrade: browsers do not tell why", async () => {
    await using server = await AckServer.start();
    server.refusesWith = 401;
    const watch = new StateWatch();
    const clock = new FakeClock();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState }));
    const { reason } = await watch.reached("waiting", session);
    assert.deepEqual(reason, { kind: "unreachable", cause: undefined });
    session.abort();
    assert.equal(clock.timerCount, 0);
  });

  it("closes cleanly where it fell back to version 1", async () => {
    await using server = await AckServer.start((offered) => (offered.has("eet.v1") ? "eet.v1" : false));
    const session = createSession(optionsFor(server.url, { fallback: "plain" }));
    session.writeFrame(makePayload(0));
    const peer = await server.next();
    assert.deepEqual(await session.finish(), {
      kind: "complete",
      delivery: "plain",
      unacknowledgedFrameCount: 1,
      last: { kind: "clean" },
    });
    assert.equal(await peer.closed, 1000);
  });

  it("cannot ping: it drops a silent peer only while an acknowledgement is due [P-3.3]", async () => {
    await using server = await AckServer.start();
    const watch = new StateWatch();
    const clock = new FakeClock();
    const session = createSession(optionsFor(server.url, { clock, onState: watch.onState, random: () => 0.5 }));
    const peer = await server.next();
    await peer.greeted();
    peer.socket.send(formatServerMessage(makeWelcome()));
    await watch.reached("open", session);
    clock.advance(600_000);
    assert.equal(session.state.kind, "open");
    session.writeFrame(makePayload(0));
    await peer.toldAll(2);
    clock.advance(74_999);
    assert.equal(session.state.kind, "open");
    clock.advance(1);
    assert.equal((await watch.reached("waiting", session)).reason.kind, "dropped");
    session.abort();
  });

  it("ends without waiting for a server that does not answer", async () => {
    await using server = await AckServer.start();
    const clock = new FakeClock();
    const session = createSession(optionsFor(server.url, { clock }));
    const peer = await server.next();
    await peer.welcome();
    peer.socket.pause();
    session.abort();
    assert.equal((await session.closed).kind, "aborted");
    assert.equal(clock.timerCount, 0);
  });
});
