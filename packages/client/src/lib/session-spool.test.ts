import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHandshake } from "@eet/protocol";
import { AckServer } from "./ack-server.test-support.ts";
import { makePayload, optionsFor } from "./session-events.test-support.ts";
import type { Spool } from "./spool.ts";
import { makeBench, openSession, reconnect, writeFrames } from "./spooled-session.test-support.ts";

/** Loses the connection for longer than a session waits, with `count` frames unacknowledged, and writes on until `total`. */
async function spillFrom(server: AckServer, spool: Spool, count: number, total: number) {
  const opened = await openSession(server, spool);
  const { session, peer, watch, clock } = opened;
  let written: Promise<void> | undefined;
  for (let number = 0; number < count; number += 1) written = session.writeFrame(makePayload(number));
  await peer.toldAll(count + 1);
  server.refusesWith = 503;
  peer.socket.terminate();
  await watch.reached("waiting", session);
  clock.advance(200);
  await watch.until(() => spool.journals[0]?.nextSeq === count);
  clock.advance(4_800);
  await written;
  assert.equal(writeFrames(session, count, total), true, "the spool has room");
  return opened;
}

describe("Session with a spool", () => {
  it("keeps frames in a journal until they are acknowledged, and deletes it at the end", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, peer, watch } = await openSession(server, spool, { streamId: 7 });
    writeFrames(session, 0, 2);
    assert.deepEqual(await peer.toldAll(3), ["ANCR 0 dropped 0", "frame 0", "frame 1"]);
    const [journal] = spool.journals;
    assert.equal(journal?.session, 1n, "the name is on the disk before the first frame is on the wire");
    const { format, startMs } = optionsFor("");
    assert.deepEqual(journal.facts, { hwid: "mic", streamId: 7, format, startMs, nibbleOrder: null });
    assert.equal(journal.frameCount, 2);
    peer.ack(1);
    await watch.until(() => journal.frameCount === 1);
    assert.equal(session.progress.backlog?.frameCount, 0);
    const done = session.finish();
    await peer.told();
    peer.ack(2);
    peer.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.deepEqual(spool.journals, []);
  });

  it("resumes after a short break, and makes the writer wait rather than spill", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, peer, watch, clock } = await openSession(server, spool);
    writeFrames(session, 0, 2);
    await peer.toldAll(3);
    peer.socket.terminate();
    await watch.reached("waiting", session);
    const written = session.writeFrame(makePayload(2));
    assert.ok(written);
    clock.advance(250);
    const next = await server.next();
    await next.welcome({ session: 1n, isResumed: true, nextSeq: 1 });
    assert.deepEqual(await next.toldAll(3), ["ANCR 1 dropped 0", "frame 1", "frame 2"]);
    next.ack(2);
    await written;
    assert.equal(spool.journals.length, 1);
    session.abort();
  });

  it("waits for room while it is connected", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const { session, peer, clock } = await openSession(server, await bench.open());
    writeFrames(session, 0, 2);
    const written = session.writeFrame(makePayload(2));
    await peer.toldAll(4);
    clock.advance(20_000);
    assert.ok(written);
    assert.deepEqual(session.progress.backlog, { frameCount: 0, sampleCount: 0, byteCount: 0, audioS: 0 });
    peer.ack(1);
    await written;
    session.abort();
  });

  it("lets the writer go on into the spool when there is no connection for 5 s", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session } = await spillFrom(server, spool, 3, 40);
    const { buffered, backlog, written } = session.progress;
    assert.equal(written.frameCount, 40);
    assert.equal((backlog?.frameCount ?? 0) + buffered.frameCount, 40);
    assert.equal(backlog?.audioS, 0.04);
    session.abort();
  });

  it("wakes a writer that waits when the 5 s are over", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, peer, watch, clock } = await openSession(server, spool);
    writeFrames(session, 0, 2);
    const written = session.writeFrame(makePayload(2));
    await peer.toldAll(4);
    server.refusesWith = 503;
    peer.socket.terminate();
    await watch.reached("waiting", session);
    await watch.until(() => spool.journals[0]?.nextSeq === 3);
    clock.advance(5_000);
    await written;
    assert.ok(writeFrames(session, 3, 10));
    session.abort();
  });

  it("goes on live in a fresh session, delivers the rest besides, and ends when both are done", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, clock, watch, peer } = await spillFrom(server, spool, 3, 8);
    await reconnect(server, { session, clock, watch });
    const live = await server.next();
    const resume = await live.welcome({ session: 2n });
    assert.deepEqual(resume, { kind: "resume", session: 0n, oldestSeq: 8, nibbleOrder: undefined });
    await watch.reached("open", session);
    writeFrames(session, 8, 10);
    assert.deepEqual(await live.toldAll(3), ["ANCR 8 dropped 0", "frame 8", "frame 9"]);
    assert.equal(parseHandshake(live.messages.all[0] as Buffer).timestampMs, 1_700_000_000_008n);

    const rest = await server.next();
    const restResume = await rest.welcome({ session: 1n, isResumed: true, nextSeq: 2 });
    assert.deepEqual(restResume, { kind: "resume", session: 1n, oldestSeq: 0, nibbleOrder: undefined });
    assert.equal(rest.request.url, "/ws/mic");
    assert.deepEqual(parseHandshake(rest.messages.all[0] as Buffer), parseHandshake(peer.messages.all[0] as Buffer));
    assert.deepEqual(await rest.toldAll(2), ["ANCR 2 dropped 0", "frame 2"]);
    rest.ack(3);
    assert.deepEqual(await rest.toldAll(3), ["frame 3", "frame 4", "frame 5"]);
    assert.deepEqual(rest.messages.all[4]?.subarray(12), Buffer.from(makePayload(3)));

    const done = session.finish();
    assert.equal(await live.told(), "FINI 10");
    live.ack(10);
    live.socket.close(1000);
    rest.ack(6);
    assert.deepEqual(await rest.toldAll(3), ["frame 6", "frame 7", "FINI 8"]);
    assert.equal(session.state.kind, "finishing");
    rest.ack(8);
    rest.socket.close(1000);
    assert.deepEqual(await done, {
      kind: "complete",
      delivery: "acked",
      unacknowledgedFrameCount: 0,
      last: { kind: "closed-by-server", code: 1000, reason: "" },
    });
    assert.deepEqual(spool.journals, []);
    const { sent, durable, backlog, reconnectCount } = session.progress;
    assert.deepEqual([sent.frameCount, durable.frameCount, backlog?.frameCount, reconnectCount], [10, 10, 0, 1]);
    assert.equal(clock.timerCount, 0);
  });

  it("sends nothing of the backlog while live frames wait", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const { session, clock, watch } = await spillFrom(server, spool, 3, 8);
    await reconnect(server, { session, clock, watch });
    const live = await server.next();
    await live.welcome({ session: 2n });
    await watch.reached("open", session);
    writeFrames(session, 8, 9);
    await live.toldAll(2);
    const slowed = watch.progressed();
    live.ack(9, { isSlowDown: true });
    await slowed;
    writeFrames(session, 9, 10);
    const rest = await server.next();
    await rest.welcome({ session: 1n, isResumed: true, nextSeq: 3 });
    rest.ack(3);
    const pong = new Promise((resolve) => rest.socket.once("pong", resolve));
    rest.socket.ping();
    await pong;
    clock.advance(900);
    assert.equal(rest.messages.all.length, 2, "the live frame waits, so does the backlog");
    clock.advance(200);
    assert.equal(await live.told(), "frame 9");
    clock.advance(20);
    assert.deepEqual(await rest.toldAll(2), ["ANCR 3 dropped 0", "frame 3"]);
    session.abort();
  });

  it("finishes without live frames when all of them are in the spool", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const opened = await spillFrom(server, spool, 3, 5);
    const done = opened.session.finish();
    await reconnect(server, opened);
    const live = await server.next();
    await live.welcome({ session: 2n });
    assert.equal(await live.told(), "FINI 5");
    live.socket.close(1000);
    const rest = await server.next();
    await rest.welcome({ session: 1n, isResumed: true, nextSeq: 3 });
    rest.ack(3);
    assert.deepEqual(await rest.toldAll(4), ["ANCR 3 dropped 0", "frame 3", "frame 4", "FINI 5"]);
    rest.ack(5);
    rest.socket.close(1000);
    assert.equal((await done).kind, "complete");
    assert.deepEqual(spool.journals, []);
  });

  it("drops the oldest of a full spool when told to", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ maxBytes: 64 * 1024, fileBytes: 8 * 1024 });
    const { session, peer, watch } = await openSession(server, spool, { whenFull: "drop-oldest" });
    server.refusesWith = 503;
    peer.socket.terminate();
    await watch.reached("waiting", session);
    writeFrames(session, 0, 1);
    await watch.until(() => spool.journals[0]?.nextSeq === 1);
    for (let count = 1; count < 3_000; count += 1) {
      assert.equal(session.writeFrame(makePayload(count & 255)), undefined);
      const isWritten = () => spool.journals[0]?.nextSeq === count + 1;
      await watch.until(() => isWritten() || session.progress.buffered.frameCount <= 3);
    }
    const accounted = () => {
      const { dropped, backlog, buffered } = session.progress;
      return (backlog?.frameCount ?? 0) + buffered.frameCount + dropped.frameCount;
    };
    await watch.until(() => accounted() === 3_000);
    const { dropped } = session.progress;
    assert.ok(dropped.frameCount > 1_000, `${dropped.frameCount} were dropped`);
    assert.ok(spool.byteLength <= spool.maxBytes + 8 * 40, `${spool.byteLength} bytes`);
    session.abort();
  });

  it("makes the writer wait when spool and memory are full, unless told otherwise", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ maxBytes: 64 * 1024, fileBytes: 8 * 1024 });
    const opened = await spillFrom(server, spool, 3, 3);
    const { session } = opened;
    let waiting: Promise<void> | undefined;
    for (let count = 3; waiting === undefined; count += 1) waiting = session.writeFrame(makePayload(count & 255));
    const { written, dropped, backlog, buffered } = session.progress;
    assert.ok(written.frameCount > 500, `${written.frameCount} were written`);
    assert.equal(dropped.frameCount, 0);
    assert.equal((backlog?.frameCount ?? 0) + buffered.frameCount, written.frameCount);
    await reconnect(server, opened);
    const live = await server.next();
    await live.welcome({ session: 2n });
    const rest = await server.next();
    await rest.welcome({ session: 1n, isResumed: true, nextSeq: 3 });
    rest.ack(3);
    assert.equal((await rest.toldAll(2))[1], "frame 3");
    rest.ack(4);
    await live.toldAll(2);
    live.ack(written.frameCount);
    await waiting;
    session.abort();
  });
});
