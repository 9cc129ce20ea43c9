import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { parseHandshake } from "@eet/protocol";
import { AckServer, sessionName } from "./ack-server.test-support.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { createSession } from "./node-session.ts";
import { makePayload, optionsFor, StateWatch } from "./session-events.test-support.ts";
import type { SpoolBench } from "./spool.test-support.ts";
import type { Spool } from "./spool.ts";
import { SpoolError } from "./spool-error.ts";
import { makeBench, openSession, writeFrames } from "./spooled-session.test-support.ts";

/** A folder as a process left it that was killed with `count` frames unacknowledged, named or not. */
async function leave(bench: SpoolBench, count: number, session: bigint | undefined) {
  const spool = await bench.open();
  const { format, startMs = 0 } = optionsFor("");
  const journal = await spool.createJournal({ hwid: "old", streamId: 3, format, startMs, nibbleOrder: null });
  if (session !== undefined) await journal.setSession(session);
  for (let seq = 0; seq < count; seq += 1) journal.append(seq, 16, makePayload(seq));
  await journal.flush();
  return bench.copy();
}

describe("Session with a spool that an earlier process left", () => {
  it("delivers its journals in their own sessions as soon as it is connected", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 4, 9n) });
    const { session, peer, watch } = await openSession(server, spool);
    assert.equal(session.progress.backlog?.frameCount, 4);
    const rest = await server.next();
    const resume = await rest.welcome({ session: 9n, isResumed: true, nextSeq: 2 });
    assert.deepEqual(resume, { kind: "resume", session: 9n, oldestSeq: 0, nibbleOrder: undefined });
    assert.equal(rest.request.url, "/ws/old");
    assert.equal(parseHandshake(rest.messages.all[0] as Buffer).streamId, 3);
    rest.ack(2);
    assert.deepEqual(await rest.toldAll(4), ["ANCR 2 dropped 0", "frame 2", "frame 3", "FINI 4"]);
    rest.ack(4);
    rest.socket.close(1000);
    await watch.until(() => spool.journals.length === 0);
    assert.equal(session.progress.durable.frameCount, 0, "these frames are not the session's own");
    const done = session.finish();
    assert.equal(await peer.told(), "FINI 0");
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("sends nothing twice that was sent before it could be written down", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 4, 9n) });
    const { session } = await openSession(server, spool);
    const rest = await server.next();
    await rest.welcome({ session: 9n, isResumed: true, nextSeq: 6 });
    rest.ack(6);
    assert.equal(await rest.told(), "FINI 6");
    session.abort();
  });

  it("delivers them in a fresh session when theirs is not known any more, beginning at the right time", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const folder = await leave(bench, 4, 9n);
    const spool = await bench.open({ folder });
    spool.journals[0]?.acknowledge(2);
    const { session } = await openSession(server, spool);
    const rest = await server.next();
    await rest.welcome({ session: 10n });
    assert.equal(parseHandshake(rest.messages.all[0] as Buffer).timestampMs, 1_700_000_000_002n);
    assert.deepEqual(await rest.toldAll(4), ["ANCR 2 dropped 0", "frame 2", "frame 3", "FINI 4"]);
    assert.equal(spool.journals[0]?.session, 10n, "for the process that comes after this one");
    session.abort();
  });

  it("waits for the welcome of a server that acknowledges the live frames, though it may fall back", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const clock = new FakeClock();
    const spool = await bench.open({ folder: await leave(bench, 2, 9n) });
    const { session, watch } = await openSession(server, spool, { fallback: "plain", clock, random: () => 0.5 });
    for (let round = 0; round < 3; round += 1) {
      const slow = await server.next();
      await slow.greeted();
      clock.advance(3_000);
      assert.equal(await slow.closed, 1006);
      assert.equal(slow.messages.all.length, 2, "no frame goes without a welcome");
      clock.advance(5_000);
    }
    assert.equal(spool.journals[0]?.frameCount, 2);
    const rest = await server.next();
    await rest.welcome({ session: 9n, isResumed: true });
    assert.deepEqual(await rest.toldAll(4), ["ANCR 0 dropped 0", "frame 0", "frame 1", "FINI 2"]);
    rest.ack(2);
    rest.socket.close(1000);
    await watch.until(() => spool.journals.length === 0);
    session.abort();
  });

  it("is drained by finish() alone", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 2, undefined) });
    const { startMs: _, ...options } = optionsFor(server.url, { spool });
    const done = createSession(options).finish();
    const rest = await server.next();
    await rest.welcome({ session: sessionName });
    await rest.toldAll(4);
    rest.ack(2);
    rest.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.equal(server.connectionCount, 1);
  });

  it("keeps what the server refuses, delivers the rest, and says so at the end", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 2, undefined) });
    const { session, peer } = await openSession(server, spool);
    writeFrames(session, 0, 1);
    await peer.toldAll(2);
    const rest = await server.next();
    await rest.next();
    rest.socket.close(4415);
    const done = session.finish();
    await peer.told();
    peer.ack(1);
    peer.socket.close(1000);
    assert.deepEqual(await done, {
      kind: "undelivered",
      delivery: "acked",
      unacknowledgedFrameCount: 0,
      last: { kind: "closed-by-server", code: 4415, reason: "" },
    });
    assert.equal(spool.journals[0]?.frameCount, 2);
  });

  it("leaves the journal of an aborted session for the next one", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, peer, watch } = await openSession(server, spool);
    writeFrames(session, 0, 2);
    await peer.toldAll(3);
    await watch.until(() => spool.journals[0]?.nextSeq === 2);
    session.abort();
    const done = createSession(optionsFor(server.url, { spool, clock: new FakeClock() })).finish();
    const rest = await server.next();
    const resume = await rest.welcome({ session: 1n, isResumed: true, nextSeq: 2 });
    assert.deepEqual(resume, { kind: "resume", session: 1n, oldestSeq: 0, nibbleOrder: undefined });
    assert.equal(await rest.told(), "FINI 2");
    rest.ack(2);
    rest.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.deepEqual(spool.journals, []);
  });

  it("is drained without a wait when told to connect now", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 2, undefined) });
    const clock = new FakeClock();
    const { startMs: _, ...options } = optionsFor(server.url, { spool, clock, random: () => 0.5 });
    const session = createSession(options);
    const done = session.finish();
    (await server.next()).socket.terminate();
    const link = () => (session.state.kind === "finishing" ? session.state.link.kind : undefined);
    while (link() !== "waiting") await setImmediate();
    session.connectNow();
    assert.equal(link(), "connecting");
    const rest = await server.next();
    await rest.welcome({ session: sessionName });
    await rest.toldAll(4);
    rest.ack(2);
    rest.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("can be aborted while it is drained", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 2, undefined) });
    const clock = new FakeClock();
    const { startMs: _, ...options } = optionsFor(server.url, { spool, clock });
    const session = createSession(options);
    const done = session.finish();
    const rest = await server.next();
    await rest.welcome();
    await rest.toldAll(4);
    session.abort();
    assert.equal((await done).kind, "aborted");
    assert.equal(await rest.closed, 1006);
    assert.equal(clock.timerCount, 0);
    assert.equal(spool.journals[0]?.frameCount, 2);
  });
});

describe("Session whose spool fails", () => {
  it("delivers from memory where no journal can be made", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const full: Spool = Object.create(spool, {
      journals: { get: () => spool.journals },
      createJournal: { value: () => Promise.reject(new SpoolError("SPOOL_DISK_FULL", "no room")) },
    });
    const { session, peer } = await openSession(server, full);
    writeFrames(session, 0, 2);
    assert.deepEqual(await peer.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    const done = session.finish();
    await peer.told();
    peer.ack(2);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
  });

  it("gives up on what is left when there is no connection for giveUpMs, and leaves it there", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ folder: await leave(bench, 2, undefined) });
    server.refusesWith = 503;
    const clock = new FakeClock();
    const watch = new StateWatch();
    const { startMs: _, ...options } = optionsFor(server.url, {
      spool,
      clock,
      giveUpMs: 1_000,
      onState: watch.onState,
    });
    const session = createSession(options);
    const done = session.finish();
    await watch.until(() => session.state.kind === "finishing" && session.state.link.kind === "waiting");
    clock.advance(1_000);
    const { kind, last } = await done;
    assert.deepEqual([kind, last?.kind], ["gave-up", "refused"]);
    assert.equal(spool.journals[0]?.frameCount, 2);
    assert.equal(clock.timerCount, 0);
  });

  it("leaves a superseded session's journal alone: another instance has the session", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, peer, watch } = await openSession(server, spool);
    writeFrames(session, 0, 1);
    await peer.toldAll(2);
    await watch.until(() => spool.journals[0]?.nextSeq === 1);
    peer.socket.close(4409);
    assert.equal((await session.closed).kind, "superseded");
    const { startMs: _, ...options } = optionsFor(server.url, { spool });
    assert.equal((await createSession(options).finish()).kind, "complete");
    assert.equal(server.connectionCount, 1);
    assert.equal(spool.journals[0]?.frameCount, 1);
  });
});

describe("Sessions that share a spool", () => {
  it("drain what was left once, and each finishes with its own", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const first = await openSession(server, spool, { hwid: "one" });
    const second = await openSession(server, spool, { hwid: "two" });
    writeFrames(first.session, 0, 1);
    writeFrames(second.session, 0, 1);
    await first.peer.toldAll(2);
    await second.peer.toldAll(2);
    assert.equal(spool.journals.length, 2);
    assert.equal(server.connectionCount, 2);
    for (const { session, peer } of [first, second]) {
      const done = session.finish();
      await peer.told();
      peer.ack(1);
      peer.socket.close(1000);
      assert.equal((await done).kind, "complete");
    }
    assert.deepEqual(spool.journals, []);
  });
});
