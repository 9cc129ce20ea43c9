import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AckServer } from "./ack-server.test-support.ts";
import { systemError } from "./spool.test-support.ts";
import { makeBench, openSession, reconnect, writeFrames } from "./spooled-session.test-support.ts";

describe("SpooledOutlet", () => {
  it("lets memory go of what is in the journal while the disk refuses, and delivers all of it", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open();
    const opened = await openSession(server, spool, { whenFull: "drop-oldest" });
    const { session, peer, watch } = opened;
    server.refusesWith = 503;
    peer.socket.terminate();
    await watch.reached("waiting", session);
    writeFrames(session, 0, 2);
    await watch.until(() => spool.journals[0]?.nextSeq === 2);
    bench.disk.before = () => {
      throw systemError("ENOSPC");
    };
    await assert.rejects(spool.journals[0]!.flush(), { code: "SPOOL_DISK_FULL" });
    writeFrames(session, 2, 6);
    const { dropped, buffered, backlog } = session.progress;
    assert.equal(dropped.frameCount, 0);
    assert.deepEqual([backlog?.frameCount, buffered.frameCount], [2, 4], "in the journal; waiting for the disk");

    await reconnect(server, opened);
    const live = await server.next();
    await live.welcome({ session: 2n });
    assert.deepEqual(await live.toldAll(5), ["ANCR 2 dropped 0", "frame 2", "frame 3", "frame 4", "frame 5"]);
    live.ack(6);
    const rest = await server.next();
    const resume = await rest.welcome({ session: 1n });
    assert.equal(resume.kind, "resume");
    assert.deepEqual(await rest.toldAll(4), ["ANCR 0 dropped 0", "frame 0", "frame 1", "FINI 2"]);
    bench.disk.heal();
    rest.ack(2);
    rest.socket.close(1000);
    await watch.until(() => session.progress.durable.frameCount === 6);
    session.abort();
  });

  it("drops the oldest of a full spool before it drops what waits for room in it", async () => {
    await using server = await AckServer.start();
    await using bench = await makeBench();
    const spool = await bench.open({ maxBytes: 64 * 1024, fileBytes: 8 * 1024 });
    const opened = await openSession(server, spool, { whenFull: "drop-oldest" });
    const { session, peer, watch } = opened;
    const other = await spool.createJournal({
      ...{ hwid: "old", streamId: 1, startMs: 0, nibbleOrder: null },
      format: { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 },
    });
    server.refusesWith = 503;
    peer.socket.terminate();
    await watch.reached("waiting", session);
    const own = () => spool.journals[1];
    writeFrames(session, 0, 2);
    await watch.until(() => own()?.nextSeq === 2);
    for (let seq = 0; other.append(seq, 16, new Uint8Array(32)) === "accepted"; seq += 1);
    await other.flush();
    writeFrames(session, 2, 8);
    await watch.until(() => own()?.nextSeq === 8);
    assert.equal(session.progress.dropped.frameCount, 0, "of this session");
    assert.equal(own()?.frameCount, 8);
    assert.ok(other.droppedFrameCount > 0);
    session.abort();
  });
});
