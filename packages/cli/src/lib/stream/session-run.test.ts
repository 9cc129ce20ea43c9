import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type DeliveryMode, formatStreamUrl } from "@eet/client";
import { formatServerMessage, parseDeviceMessage } from "@eet/protocol";
import { startRecordingServer } from "../../../../../test/support/recording-server.ts";
import { makeTemporaryFolder } from "../../../../../test/support/temporary-folder.ts";
import { AckServer, makeWelcome } from "../../../../client/src/lib/ack-server.test-support.ts";
import { CapturePace } from "./capture-pace.ts";
import type { AudioFrame } from "./frame-encoder.ts";
import { type SessionPlan, SessionRun } from "./session-run.ts";
import { StreamSpool } from "./stream-spool.ts";

/** Mono PCM in frames of 16 samples: 1 ms. */
const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 } as const;
const target = { streamId: 7, hwid: "mic" };
const policy = {
  window: { maxBytes: 1_000_000, maxSeconds: 60 },
  windowS: 60,
  whenFull: "wait",
  giveUpMs: 60_000,
  failsFast: true,
} as const;

/** Frames filled with their own numbers. */
async function* makeFrames(count: number): AsyncGenerator<AudioFrame> {
  for (let number = 0; number < count; number += 1) {
    yield { payload: new Uint8Array(32).fill(number), sampleCount: 16 };
  }
}

interface Bench {
  readonly run: SessionRun;
  readonly interruption: AbortController;
  readonly opened: DeliveryMode[];
}

function makeRun(t: TestContext, url: string, frameCount: number, changes: Partial<SessionPlan> = {}): Bench {
  const interruption = new AbortController();
  const opened: DeliveryMode[] = [];
  const run = new SessionRun(target, 0, {
    url,
    format,
    source: { frames: () => makeFrames(frameCount) },
    pacer: undefined,
    isEndless: false,
    interruption: interruption.signal,
    policy,
    nibbleOrder: "low",
    token: undefined,
    pace: undefined,
    onOpen: (delivery) => opened.push(delivery),
    isReached: () => opened.length > 0,
    spool: undefined,
    ...changes,
  });
  t.after(() => interruption.abort());
  return { run, interruption, opened };
}

/** A URL of a server that has gone. */
async function makeDeadUrl(): Promise<string> {
  await using server = await AckServer.start();
  return server.url;
}

describe("SessionRun", () => {
  it("is complete once all of it is durable, and shows how far it is on the way [P-2.6]", async (t) => {
    await using server = await AckServer.start();
    const { run, opened } = makeRun(t, server.url, 4);
    assert.equal(run.state, "waiting");
    const opening = run.open();
    assert.equal(run.state, "connecting");
    const peer = await server.next();
    await peer.welcome({ hasUploads: true });
    await opening;
    assert.deepEqual(await peer.toldAll(6), [
      "ANCR 0 dropped 0",
      ...["frame 0", "frame 1", "frame 2", "frame 3"],
      "FINI 4",
    ]);
    assert.equal(run.state, "finishing");
    peer.ack(3, { uploadedNext: 1 });
    while (run.progress.durable?.frameCount !== 3) await new Promise(setImmediate);
    assert.deepEqual(run.progress, {
      delivery: "acked",
      sent: { frameCount: 4, sampleCount: 64 },
      durable: { frameCount: 3, sampleCount: 48 },
      uploaded: { frameCount: 1, sampleCount: 16 },
      buffered: { frameCount: 1, sampleCount: 16, byteCount: 44, audioS: 0.001 },
      spooled: undefined,
      dropped: { frameCount: 0, sampleCount: 0 },
      reconnectCount: 0,
    });
    peer.ack(4);
    peer.socket.close(1000);
    await run.ended;
    assert.deepEqual([run.state, run.failure, opened], ["complete", undefined, ["acked"]]);
  });

  it("reconnects when the connection breaks, telling why and when [P-2.8]", async (t) => {
    await using server = await AckServer.start();
    const { run } = makeRun(t, server.url, 2);
    const opening = run.open();
    const first = await server.next();
    await first.welcome();
    await opening;
    await first.toldAll(4);
    first.socket.close(1001, "bye");
    while (run.outage === undefined) await new Promise(setImmediate);
    assert.match(run.outage.reason, /^the server closed with 1001 "bye": /);
    assert.ok(Math.abs(run.outage.untilMs - Date.now()) < 2_000);
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 2 });
    assert.equal(await second.told(), "FINI 2");
    second.ack(2);
    second.socket.close(1000);
    await run.ended;
    assert.deepEqual([run.state, run.progress.reconnectCount], ["complete", 1]);
  });

  it("fails at once when nothing listens and no stream has ever had a connection", async (t) => {
    const { run } = makeRun(t, await makeDeadUrl(), 2);
    await run.open();
    await run.ended;
    assert.equal(run.state, "failed");
    assert.match(run.failure ?? "", /^no connection \(.*ECONNREFUSED.*\): check the URL and that the server runs$/);
  });

  it("tries on until its time is up when another stream has had a connection", async (t) => {
    const plan = { isReached: () => true, policy: { ...policy, giveUpMs: 50 } };
    const { run } = makeRun(t, await makeDeadUrl(), 2, plan);
    await run.open();
    assert.notEqual(run.outage, undefined);
    await run.ended;
    assert.equal(run.state, "failed");
    assert.match(
      run.failure ?? "",
      /^no connection came about in the time given: .*ECONNREFUSED.* \(0 frames had been sent, 2 are not acknowledged\)$/,
    );
  });

  it("fails with the server's reason when it refuses [P-2.8]", async (t) => {
    await using server = await AckServer.start();
    const { run } = makeRun(t, server.url, 2);
    run.open();
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(4);
    peer.socket.close(4409, "superseded");
    await run.ended;
    assert.equal(run.state, "failed");
    assert.match(run.failure ?? "", /4409 "superseded".* \(2 frames had been sent, 2 are not acknowledged\)$/);
  });

  it("drops the oldest live audio when the window is full, counts it and fails [P-2.1]", async (t) => {
    await using server = await AckServer.start();
    const window = { maxBytes: 1_000_000, maxSeconds: 0.004 };
    const { run } = makeRun(t, server.url, 10, { policy: { ...policy, whenFull: "drop-oldest", window } });
    run.open();
    const peer = await server.next();
    await peer.greeted();
    while (run.progress.dropped.frameCount < 6) await new Promise(setImmediate);
    peer.socket.send(formatServerMessage(makeWelcome()));
    assert.deepEqual(await peer.toldAll(6), [
      "ANCR 6 dropped 0",
      ...["frame 6", "frame 7", "frame 8", "frame 9"],
      "FINI 10",
    ]);
    peer.ack(10);
    peer.socket.close(1000);
    await run.ended;
    assert.equal(run.state, "failed");
    assert.match(run.failure ?? "", /^6 frames \(0\.0 s\) were dropped, memory holds 60 s .* --spool DIR$/);
  });

  it("lets audio that runs ahead of the clock wait where live audio would be dropped", async (t) => {
    await using server = await AckServer.start();
    const window = { maxBytes: 1_000_000, maxSeconds: 0.004 };
    const plan = {
      policy: { ...policy, whenFull: "drop-oldest", window } as const,
      pace: new CapturePace(format.sampleRateHz, 0.004, () => 0),
    };
    const { run } = makeRun(t, server.url, 100, plan);
    run.open();
    const peer = await server.next();
    await peer.welcome();
    const frames: string[] = [];
    while (frames.length < 100) {
      const message = await peer.told();
      if (message.startsWith("frame")) frames.push(message);
      peer.ack(frames.length);
    }
    assert.equal(await peer.told(), "FINI 100");
    peer.ack(100);
    peer.socket.close(1000);
    await run.ended;
    assert.deepEqual([run.state, run.progress.dropped.frameCount], ["complete", 0]);
    assert.deepEqual(frames.at(-1), "frame 99");
  });

  it("sends version 1 where no subprotocol is selected, and cannot tell what is durable [P-2.1]", async (t) => {
    await using server = await startRecordingServer(
      () => {},
      () => false,
    );
    const { run, opened } = makeRun(t, server.url, 3);
    await run.open();
    await run.ended;
    assert.deepEqual([run.state, opened], ["complete", ["plain"]]);
    const { delivery, sent, durable, uploaded } = run.progress;
    assert.deepEqual([delivery, sent.frameCount, durable, uploaded], ["plain", 3, undefined, undefined]);
    const connection = server.connections.at(-1)!;
    assert.deepEqual(
      connection.payloads,
      [0, 1, 2].map((number) => Buffer.alloc(32, number)),
    );
    assert.equal(await connection.closed, 1000);
  });

  it("sends the token as a header and the nibble order in RSUM [P-2.4] [P-3.1]", async (t) => {
    await using server = await AckServer.start();
    const adpcm = { ...format, codec: "adpcm" } as const;
    const { run, interruption } = makeRun(t, server.url, 0, { token: "secret", nibbleOrder: "high", format: adpcm });
    run.open();
    const peer = await server.next();
    assert.equal(peer.request.url, new URL(formatStreamUrl(server.url, "mic")).pathname);
    assert.equal(peer.request.headers.authorization, "Bearer secret");
    const resume = await peer.greeted();
    assert.ok(resume.kind === "resume" && resume.nibbleOrder === "high");
    interruption.abort();
    await run.ended;
    assert.equal(run.state, "interrupted");
  });

  it("delivers what was read when it is interrupted: interrupted for a file, complete without an end", async (t) => {
    for (const isEndless of [false, true]) {
      await using server = await AckServer.start();
      const blocked = Promise.withResolvers<void>();
      async function* frames(): AsyncGenerator<AudioFrame> {
        yield* makeFrames(2);
        await blocked.promise;
      }
      const { run, interruption } = makeRun(t, server.url, 0, { isEndless, source: { frames } });
      run.open();
      const peer = await server.next();
      await peer.welcome();
      await peer.toldAll(3);
      interruption.abort();
      assert.equal(await peer.told(), "FINI 2");
      assert.equal(run.state, "finishing");
      peer.ack(2);
      peer.socket.close(1000);
      await run.ended;
      blocked.resolve();
      assert.equal(run.state, isEndless ? "complete" : "interrupted");
    }
  });

  it("goes on with what earlier runs left when it is interrupted before it read anything", async (t) => {
    await using folder = await makeTemporaryFolder();
    const choice = { folder: folder.path, maxBytes: 1_000_000 };
    const earlier = await StreamSpool.open(choice, assert.fail);
    const journal = await earlier.spool.createJournal({ ...target, format, startMs: 0, nibbleOrder: null });
    journal.append(0, 16, new Uint8Array(32));
    await earlier.close();
    const spool = await StreamSpool.open(choice, assert.fail);
    const plan = { spool, isReached: () => true, policy: { ...policy, giveUpMs: 100 } };
    const { run, interruption } = makeRun(t, await makeDeadUrl(), 0, plan);
    await run.open();
    interruption.abort();
    assert.equal(run.state, "finishing");
    await run.ended;
    await spool.close();
    assert.equal(run.state, "failed");
    assert.match(run.failure ?? "", /^no connection came about in the time given/);
  });

  it("does not connect any more when it was interrupted before its turn", async (t) => {
    await using server = await AckServer.start();
    const { run, interruption } = makeRun(t, server.url, 2);
    interruption.abort();
    await run.open();
    await run.ended;
    assert.deepEqual([run.state, server.connectionCount], ["interrupted", 0]);
  });

  it("begins the time line of a pipe with its first frame", async (t) => {
    await using server = await AckServer.start();
    const begun = Promise.withResolvers<void>();
    async function* frames(): AsyncGenerator<AudioFrame> {
      await begun.promise;
      yield* makeFrames(1);
    }
    const { run } = makeRun(t, server.url, 0, { source: { frames }, pace: new CapturePace(format.sampleRateHz, 60) });
    run.open();
    const peer = await server.next();
    await peer.welcome();
    const beforeMs = Date.now();
    begun.resolve();
    const anchor = parseDeviceMessage(await peer.next());
    assert.ok(
      anchor.kind === "anchor" && anchor.captureMs >= beforeMs - 2,
      `${beforeMs}: ${JSON.stringify(anchor.kind)}`,
    );
  });

  it("fails when there was no audio", async (t) => {
    await using server = await AckServer.start();
    const { run } = makeRun(t, server.url, 0);
    run.open();
    const peer = await server.next();
    await peer.welcome();
    assert.equal(await peer.told(), "FINI 0");
    peer.socket.close(1000);
    await run.ended;
    assert.match(run.failure ?? "", /^there was no audio to send/);
  });

  it("delivers what was read when the input fails, and fails", async (t) => {
    await using server = await AckServer.start();
    async function* frames(): AsyncGenerator<AudioFrame> {
      yield* makeFrames(2);
      throw new Error("in.wav became shorter");
    }
    const { run } = makeRun(t, server.url, 0, { source: { frames } });
    run.open();
    const peer = await server.next();
    await peer.welcome();
    assert.deepEqual((await peer.toldAll(4)).at(-1), "FINI 2");
    peer.ack(2);
    peer.socket.close(1000);
    await run.ended;
    assert.deepEqual([run.state, run.failure], ["failed", "in.wav became shorter"]);
  });
});
