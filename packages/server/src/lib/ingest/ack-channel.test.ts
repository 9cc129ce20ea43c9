import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { type DeviceMessage, formatDeviceMessage, limits, ProtocolError } from "@eet/protocol";
import vectors from "../../../../../test/vectors/adpcm.json" with { type: "json" };
import { StorageError } from "../kernel/errors.ts";
import { AckBench, anchor, finish, resume, resumed, streaming, turn } from "./ack-bench.test-support.ts";
import { handshakeOf, pcmFrame } from "./endpoint.test-support.ts";
import { FakeDelivery, noProgress } from "./fake-sink.test-support.ts";
import { maxPauseMs } from "./frame-channel.ts";

beforeEach(() => mock.timers.enable({ apis: ["setInterval", "setTimeout"] }));
afterEach(() => mock.timers.reset());

describe("AckChannel", () => {
  it("welcomes each handshake with a new session [P-2.1]", () => {
    const bench = new AckBench();
    bench.hasUploads = true;
    bench.send(handshakeOf());
    assert.deepEqual(bench.sent, [
      {
        kind: "welcome",
        nextSeq: 0,
        session: 1n,
        serverMs: bench.clock.wallMs(),
        ackIntervalMs: 1_000,
        isResumed: false,
        answersResume: false,
        hasUploads: true,
        maxMessageBytes: limits.maxMessageBytes,
        resumeTtlS: 86_400,
      },
    ]);
  });

  it("hands frames and anchors to the session and answers none of them at once", () => {
    const bench = new AckBench();
    bench.send(handshakeOf(), anchor, pcmFrame(0), anchor, pcmFrame(1));
    assert.deepEqual(bench.delivery.seqs, [0, 1]);
    assert.equal(bench.delivery.anchors.length, 2);
    assert.deepEqual(bench.acks, []);
  });

  it("acknowledges what has moved, at most once per interval [P-2.6]", () => {
    const bench = streaming();
    bench.delivery.proceed({ durableNext: 1, receivedNext: 3 });
    assert.deepEqual(bench.acks, [
      {
        ...{ kind: "ack", durableNext: 1, receivedNext: 3, uploadedNext: 0 },
        ...{ isNotPersisting: false, isSlowDown: false, hasDuplicates: false },
      },
    ]);
    bench.delivery.proceed({ durableNext: 2 });
    bench.passMs(500);
    bench.delivery.proceed({ durableNext: 3, receivedNext: 9 });
    bench.passMs(475);
    assert.equal(bench.acks.length, 1);
    bench.passMs(50);
    assert.deepEqual([bench.acks.length, bench.acks[1]?.durableNext, bench.acks[1]?.receivedNext], [2, 3, 9]);
    bench.passMs(5_000);
    assert.equal(bench.acks.length, 2);
  });

  it("has frames made durable shortly before the next ack may go, and goes on with both in step", () => {
    const bench = streaming();
    bench.delivery.proceed({ durableNext: 1 });
    assert.deepEqual(bench.delivery.expectedFlushes, [850]);
    bench.passMs(800);
    assert.equal(bench.delivery.flushCount, 0);
    bench.passMs(50);
    assert.equal(bench.delivery.flushCount, 1);
    bench.delivery.proceed({ durableNext: 2 });
    bench.passMs(100);
    assert.equal(bench.acks.length, 1);
    bench.passMs(100);
    assert.equal(bench.acks.length, 2);
    assert.deepEqual(bench.delivery.expectedFlushes, [850, 850]);
  });

  it("asks for no flush where frames are made durable more seldom than acks may go", () => {
    const bench = new AckBench(1_001);
    bench.send(handshakeOf(), pcmFrame(0));
    bench.delivery.proceed({ durableNext: 1 });
    bench.passMs(2_000);
    assert.deepEqual([bench.delivery.flushCount, bench.delivery.expectedFlushes], [0, []]);
  });

  it("takes more frames alone for no news [P-2.6]", () => {
    const bench = streaming();
    bench.delivery.proceed({ receivedNext: 3 });
    bench.passMs(3_000);
    assert.deepEqual(bench.acks, []);
  });

  it("asks a device to slow down while it sends faster than it may, though nothing else moves [P-2.1]", () => {
    const bench = streaming();
    bench.connection.onSweep(1, true);
    bench.delivery.proceed({ durableNext: 1 });
    bench.passMs(1_050);
    bench.connection.onSweep(2, true);
    bench.passMs(1_050);
    bench.connection.onSweep(3, false);
    bench.passMs(1_050);
    assert.deepEqual(
      bench.acks.map((ack) => [ack.durableNext, ack.isSlowDown]),
      [
        [0, true],
        [1, true],
        [1, false],
      ],
    );
  });

  it("asks nobody to slow down whose RSUM is not answered yet", async () => {
    const bench = new AckBench();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    bench.sink.resume = () => promise;
    bench.send(handshakeOf(), resume(77n));
    bench.connection.onSweep(1, true);
    assert.deepEqual(bench.acks, []);
    resolve(undefined);
    await turn();
    bench.connection.onSweep(2, true);
    assert.deepEqual(
      bench.acks.map(({ isSlowDown }) => isSlowDown),
      [true],
    );
  });

  it("tells of duplicates once, of a disk that takes nothing and of one that is slow while it lasts [P-2.1]", () => {
    const bench = streaming();
    bench.delivery.proceed({ duplicateCount: 1 });
    bench.delivery.proceed({ isPersisting: false });
    bench.passMs(1_050);
    bench.delivery.proceed({ isPersisting: true, isBehind: true, uploadedNext: 1 });
    bench.passMs(1_050);
    assert.deepEqual(
      bench.acks.map((ack) => [ack.hasDuplicates, ack.isNotPersisting, ack.isSlowDown, ack.uploadedNext]),
      [
        [true, false, false, 0],
        [false, true, false, 0],
        [false, false, true, 1],
      ],
    );
  });

  it("answers RSUM with the session, where to go on, and what is durable [P-2.4]", async () => {
    const bench = await resumed();
    assert.deepEqual(bench.sink.resumptions, [77n]);
    const [, welcome] = bench.welcomes;
    assert.deepEqual(
      [welcome?.session, welcome?.nextSeq, welcome?.isResumed, welcome?.answersResume],
      [77n, 5, true, true],
    );
    assert.deepEqual([bench.acks[0]?.durableNext, bench.acks[0]?.receivedNext], [4, 5]);
    bench.send(pcmFrame(5));
    assert.deepEqual(bench.delivery.seqs, [5]);
    assert.equal(bench.sink.deliveries[0]?.endCount, 1);
  });

  it("answers RSUM for a session that is not known with a fresh one, to which the nibble order goes [P-2.4]", async () => {
    const bench = new AckBench();
    const message = Buffer.from(vectors.ack.RSUM, "hex");
    message.writeUInt32LE(2, 20);
    bench.send(handshakeOf(), message);
    await turn();
    const [, welcome] = bench.welcomes;
    assert.deepEqual(
      [welcome?.session, welcome?.nextSeq, welcome?.isResumed, welcome?.answersResume],
      [2n, 0, false, true],
    );
    assert.equal(bench.delivery.request.nibbleOrder, "high");
  });

  it("looks nothing up for session 0", async () => {
    const bench = new AckBench();
    bench.send(handshakeOf(), resume(0n));
    await turn();
    assert.deepEqual(bench.sink.resumptions, []);
    assert.equal(bench.welcomes[1]?.answersResume, true);
  });

  it("keeps what comes before the answer to RSUM, and reads on after it", async () => {
    const bench = new AckBench();
    const answer = Promise.withResolvers<undefined>();
    bench.sink.resume = () => answer.promise;
    bench.send(handshakeOf(), resume(77n), pcmFrame(3), pcmFrame(4));
    assert.deepEqual(bench.asked, ["pause"]);
    answer.resolve(undefined);
    await turn();
    assert.deepEqual(bench.asked, ["pause", "resume"]);
    assert.deepEqual(bench.delivery.seqs, [3, 4]);
    assert.equal(bench.welcomes.length, 2);
  });

  it("takes nothing behind a fault in what came early", async () => {
    const bench = new AckBench();
    const answer = Promise.withResolvers<undefined>();
    bench.sink.resume = () => answer.promise;
    bench.send(handshakeOf(), resume(77n), pcmFrame(3), pcmFrame(4, 642), pcmFrame(5));
    answer.resolve(undefined);
    await turn();
    bench.send(pcmFrame(6));
    assert.deepEqual(bench.delivery.seqs, [3]);
    assert.equal(bench.asked.at(-1), "close 4413 frame payload size invalid");
  });

  it("takes nothing after its CLOSE, however much comes", async () => {
    const bench = streaming();
    bench.delivery.fail(new StorageError("STORAGE_FULL", "x"));
    await turn();
    bench.send(pcmFrame(1));
    assert.deepEqual(bench.delivery.seqs, [0]);
    await bench.connection.onClosed(4507, "");
    assert.equal(bench.delivery.endCount, 1);
  });

  it("tells once more what a client did not read, though it waits for that and sends nothing [P-2.6]", () => {
    const bench = streaming();
    bench.isRead = false;
    bench.delivery.proceed({ durableNext: 1 });
    bench.passMs(3_150);
    assert.equal(bench.acks.length, 4, "one per interval, none of which was read");
    bench.isRead = true;
    bench.passMs(1_050);
    assert.equal(bench.acks.length, 5);
    bench.passMs(3_150);
    assert.equal(bench.acks.length, 5, "there is no more news");
  });

  it("lets go of a session that is found after the connection has gone", async () => {
    const bench = new AckBench();
    const answer = Promise.withResolvers<FakeDelivery>();
    bench.sink.resume = () => answer.promise;
    bench.send(handshakeOf(), resume(77n));
    await bench.connection.onClosed(1006, "");
    const late = new FakeDelivery(bench.delivery.request, bench.sink, 77n);
    answer.resolve(late);
    await turn();
    assert.equal(late.endCount, 1);
    assert.equal(bench.welcomes.length, 1);
  });

  it("closes with 4503 when the session cannot be told in time [P-2.8]", () => {
    const patient = new AckBench();
    patient.sink.resume = () => new Promise(() => {});
    patient.send(handshakeOf(), resume(77n));
    patient.clock.nowMs += 59_000;
    patient.connection.onSweep(1);
    assert.deepEqual(patient.asked, []);
    patient.clock.nowMs += 1_000;
    patient.connection.onSweep(2);
    assert.deepEqual(patient.asked, ["close 4503 The session is still being recovered"]);

    const eager = new AckBench();
    eager.sink.resume = () => new Promise(() => {});
    eager.send(handshakeOf(), resume(77n), pcmFrame(0));
    eager.clock.nowMs += maxPauseMs;
    eager.connection.onSweep(1);
    assert.deepEqual(eager.asked, ["pause"]);
    eager.clock.nowMs += 60_000 - maxPauseMs;
    eager.connection.onSweep(1);
    assert.deepEqual(eager.asked, ["pause", "resume", "close 4503 The session is still being recovered"]);
  });

  it("flushes at FINI, acknowledges at once and closes with 1000 [P-2.6] [P-2.8]", async () => {
    const bench = streaming();
    const { delivery } = bench;
    delivery.proceed({ durableNext: 1, receivedNext: 2 });
    const durable = Promise.withResolvers<void>();
    delivery.durable = durable.promise;
    bench.send(pcmFrame(1), finish);
    await turn();
    assert.deepEqual([delivery.finishCount, bench.asked.length], [1, 0]);
    delivery.progress = { ...delivery.progress, durableNext: 2 };
    durable.resolve();
    await turn();
    assert.deepEqual(bench.asked, ["close 1000 bye"]);
    assert.deepEqual(
      bench.acks.map(({ durableNext }) => durableNext),
      [1, 2],
    );
  });

  it("closes with a code for each violation, and keeps the session [P-2.8]", async () => {
    const cases: readonly [reason: string, messages: readonly (Uint8Array | DeviceMessage)[]][] = [
      ["4422 RSUM came twice or behind an audio frame", [pcmFrame(0), resume(1n)]],
      ["4422 A message came behind FINI", [pcmFrame(0), finish, pcmFrame(1)]],
      ["4422 invalid audio frame", [formatDeviceMessage(finish).subarray(0, 11)]],
      ["4422 invalid audio frame", [Buffer.concat([formatDeviceMessage(anchor), Buffer.of(0)])]],
      ["4422 frame payload size invalid", [pcmFrame(0, 639)]],
      ["4413 frame payload size invalid", [pcmFrame(0, 642)]],
      ["4422 invalid audio frame", [pcmFrame(1).fill(7)]],
    ];
    for (const [reason, messages] of cases) {
      const bench = new AckBench();
      bench.send(handshakeOf(), ...messages);
      assert.equal(bench.asked.at(-1), `close ${reason}`);
      await bench.connection.onClosed(1006, "");
      assert.equal(bench.delivery.endCount, 1);
    }
  });

  it("closes with 4400 and 4415 for a handshake that it cannot take [P-2.8]", () => {
    const short = new AckBench();
    short.send(handshakeOf().subarray(0, 31));
    assert.deepEqual(short.asked, ["close 4400 invalid handshake"]);
    const rate = new AckBench();
    const message = handshakeOf().slice();
    new DataView(message.buffer).setUint32(12, 3_999, true);
    rate.send(message);
    assert.deepEqual(rate.asked, ["close 4415 invalid handshake"]);
  });

  it("closes with 4409 when another connection takes the session over [P-2.4]", async () => {
    const bench = streaming();
    bench.delivery.fail(new ProtocolError("SUPERSEDED", "x"));
    await turn();
    assert.deepEqual(bench.asked, ["close 4409 A newer connection has taken the session over"]);
  });

  it("tells that nothing is stored, then closes with 4507 [P-2.8] [S-2.5]", async () => {
    const bench = streaming();
    bench.delivery.progress = { ...noProgress, receivedNext: 1, isPersisting: false };
    bench.delivery.fail(new StorageError("STORAGE_FULL", "x"));
    await turn();
    assert.deepEqual(bench.asked, ["close 4507 The disk is at its hard mark"]);
    assert.equal(bench.acks.at(-1)?.isNotPersisting, true);
  });

  it("closes with 4408 after silence and without a handshake, where version 1 drops TCP [P-2.8]", () => {
    const silent = streaming();
    silent.connection.onSweep(1);
    silent.clock.nowMs += limits.livenessTimeoutMs;
    silent.connection.onSweep(1);
    assert.deepEqual(silent.asked, ["close 4408 No byte came for 75 seconds"]);
    const mute = new AckBench();
    mute.clock.nowMs += limits.handshakeTimeoutMs;
    mute.connection.onSweep(0);
    assert.deepEqual(mute.asked, ["close 4408 No handshake came in time"]);
  });

  it("closes with 4503 when the disk is slow for too long, with 4507 when it takes nothing [P-2.8]", () => {
    for (const [isPersisting, code] of [
      [true, 4503],
      [false, 4507],
    ] as const) {
      const bench = streaming();
      bench.sink.hasRoom = false;
      bench.delivery.progress = { ...noProgress, isPersisting };
      bench.send(pcmFrame(1));
      bench.clock.nowMs += maxPauseMs;
      bench.connection.onSweep(1);
      assert.match(bench.asked.at(-1) ?? "", new RegExp(`^close ${code} `));
    }
  });

  it("closes with 1011 for a defect of its own", () => {
    const bench = new AckBench();
    bench.sink.refusal = new TypeError("x");
    bench.send(handshakeOf());
    assert.deepEqual(bench.asked, ["close 1011 The server met a defect of its own"]);
  });

  it("brings to rest what it has, tells so and closes with 1001 when the server stops [P-2.8]", async () => {
    const bench = streaming();
    const durable = Promise.withResolvers<void>();
    bench.delivery.durable = durable.promise;
    bench.connection.stop();
    bench.send(pcmFrame(1));
    await turn();
    assert.deepEqual([bench.delivery.flushCount, bench.delivery.seqs, bench.asked], [1, [0], []]);
    bench.delivery.progress = { ...noProgress, durableNext: 1, receivedNext: 1 };
    durable.resolve();
    await turn();
    assert.deepEqual(bench.asked, ["close 1001 The server is stopping"]);
    assert.equal(bench.acks.at(-1)?.durableNext, 1);
  });

  it("does not wait for ever for a disk when the server stops", () => {
    const bench = streaming();
    bench.delivery.durable = new Promise(() => {});
    bench.connection.stop();
    mock.timers.tick(2_999);
    assert.deepEqual(bench.asked, []);
    mock.timers.tick(1);
    assert.deepEqual(bench.asked, ["close 1001 The server is stopping"]);
  });
});
