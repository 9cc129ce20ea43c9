import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { ResumePoint, SessionRecord } from "../kernel/segment-record.ts";
import type { EndedSession } from "./deliveries.ts";
import type { Delivery } from "./delivery.ts";
import type { Recorder } from "./recorder.ts";
import { pcmFormat, pcmFrame, pcmRequest, RecordingBench, startWallMs, systemError } from "./recording.test-support.ts";
import { sessionIdOf } from "./session-id.ts";

const anchor = (seq: number, droppedFrameCount = 0) =>
  ({ kind: "anchor", seq, captureMs: startWallMs, captureUs: 9, droppedFrameCount }) as const;

let bench: RecordingBench;
let recorder: Recorder;
let ended: EndedSession | undefined;
let lookedUp: string[];

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  bench = await RecordingBench.open();
  ended = undefined;
  lookedUp = [];
  let count = 0;
  recorder = bench.recorder({
    newSessionId: () => (count++ + 1).toString(32).padStart(12, "0"),
    findEnded: async (session) => {
      lookedUp.push(session);
      return ended;
    },
  });
});

afterEach(async () => {
  const closing = recorder.close();
  await passUntil(closing);
  mock.timers.reset();
  await bench.close();
});

/** Lets time pass until a promise settles. */
async function passUntil<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    bench.clock.advance(25);
    await bench.settle();
  }
  return await settled;
}

async function passMs(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 25) {
    bench.clock.advance(25);
    await bench.settle();
  }
}

/** Waits for the frame log, whose timer has run. */
async function committed(): Promise<void> {
  await bench.frameLog.commit();
  await bench.settle();
}

function accept(delivery: Delivery, ...seqs: number[]): void {
  for (const seq of seqs) delivery.accept(pcmFrame(seq), seq % 2 ** 32, 80);
}

/** The error by which a delivery ended, once the promises that are settled by now have been heard. */
async function failureOf(delivery: Delivery): Promise<string | undefined> {
  const error = await Promise.race([delivery.failed, Promise.resolve(undefined)]);
  return error && "code" in error ? String(error.code) : error?.message;
}

function eventsOf(...types: string[]): string[] {
  return bench.events.entries.flatMap((event) => (types.includes(event.type) ? [event.type] : []));
}

const pointOf = (record: Partial<SessionRecord> = {}): ResumePoint => ({
  record: {
    session: "000000000005",
    hwid: "mic",
    streamId: 7,
    format: pcmFormat,
    start: { startMs: startWallMs, rule: "device-synced", deviceMs: startWallMs, serverMs: startWallMs, warning: null },
    profile: {},
    isAcked: true,
    ...record,
  },
  next: { seq: 100, sample: 8_000 },
  nextIndex: 4,
  lastFrameSampleCount: 80,
  lastActiveMs: startWallMs,
});

describe("Recorder.openDelivery", () => {
  it("names a session that is not there before its first frame", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    assert.equal(sessionIdOf(delivery.session), "000000000001");
    assert.equal(recorder.sessionCount, 0);
    accept(delivery, 5);
    assert.equal(recorder.sessionCount, 1);
    assert.equal(recorder.isHeld("000000000001"), true);
    const [opening] = bench.openings;
    assert.deepEqual([opening?.session.session, opening?.session.isAcked], ["000000000001", true]);
  });

  it("tells what is durable once it is synced and committed, and not before [P-2.6]", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 10, 11);
    assert.deepEqual([delivery.progress.durableNext, delivery.progress.receivedNext], [10, 12]);
    let toldCount = 0;
    delivery.onProgress = () => {
      toldCount += 1;
    };
    await passUntil(bench.operations.until((done) => done.some(({ kind }) => kind === "sync")));
    assert.deepEqual([delivery.progress.durableNext, toldCount], [10, 0]);
    await passMs(150);
    await committed();
    assert.deepEqual([delivery.progress.durableNext, toldCount], [12, 1]);
    assert.equal(delivery.progress.uploadedNext, 10);
  });

  it("takes frames that come again once, and counts them [P-2.3]", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0, 1, 2, 1, 2, 3);
    assert.equal(delivery.progress.duplicateCount, 2);
    await passUntil(delivery.finish());
    assert.ok((await bench.readSession("000000000001")).equals(Buffer.concat([0, 1, 2, 3].map(pcmFrame))));
    assert.equal(bench.closed[0]?.observations?.droppedDuplicateCount, 2);
  });

  it("notes anchors with their frames, and what the device dropped with its gap", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    delivery.anchor(anchor(0));
    accept(delivery, 0, 1);
    delivery.anchor(anchor(4, 2));
    accept(delivery, 4);
    await passUntil(delivery.finish());
    const [segment] = bench.closed;
    assert.deepEqual(segment?.observations?.anchors, [
      { seq: 0, captureMs: startWallMs, captureUs: 9 },
      { seq: 4, captureMs: startWallMs, captureUs: 9 },
    ]);
    assert.deepEqual(segment?.observations?.deviceDroppedSeqs, [2]);
  });

  it("closes the segment at the end and is durable then [P-2.1]", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0, 1);
    await passUntil(delivery.finish());
    assert.equal(delivery.progress.durableNext, 2);
    assert.deepEqual(
      bench.closed.map(({ reason }) => reason),
      ["session-ended"],
    );
    assert.equal(recorder.sessionCount, 0);
  });

  it("flushes when it is asked to", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0, 1);
    const flushed = delivery.flush();
    await bench.settle();
    await committed();
    await flushed;
    assert.equal(delivery.progress.durableNext, 2);
    assert.deepEqual(bench.closed, []);
  });

  it("keeps the session open for 5 s without a connection, then closes its segment [S-1.3]", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0);
    await delivery.end();
    await passMs(4_900);
    assert.deepEqual(bench.closed, []);
    await passMs(1_500);
    assert.deepEqual(
      bench.closed.map(({ reason }) => reason),
      ["disconnected"],
    );
    assert.deepEqual(eventsOf("session.opened", "session.closed"), ["session.opened", "session.closed"]);
  });

  it("tells that the disk takes nothing, and acknowledges nothing meanwhile [S-2.4]", async () => {
    bench.fault = ({ kind }) => (kind === "sync" ? systemError("EIO") : undefined);
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0, 1);
    await passMs(3_000);
    assert.deepEqual([delivery.progress.isPersisting, delivery.progress.durableNext], [false, 0]);
    bench.fault = () => undefined;
    await passMs(1_500);
    await committed();
    assert.deepEqual([delivery.progress.isPersisting, delivery.progress.durableNext], [true, 2]);
  });
});

describe("Recorder.resumeDelivery", () => {
  it("gives the session to the newer connection, and tells the older one [P-2.4]", async () => {
    const older = recorder.openDelivery(pcmRequest);
    accept(older, 0, 1);
    const newer = await recorder.resumeDelivery(pcmRequest, older.session);
    assert.ok(newer !== undefined);
    assert.equal(newer.session, older.session);
    assert.equal(newer.progress.receivedNext, 2);
    assert.equal(await failureOf(older), "SUPERSEDED");
    accept(older, 2, 3);
    accept(newer, 2);
    await older.end();
    await passUntil(newer.finish());
    assert.ok((await bench.readSession("000000000001")).equals(Buffer.concat([0, 1, 2].map(pcmFrame))));
  });

  it("leaves it with the newer connection when the older one's resumption comes late [P-2.4]", async () => {
    const first = recorder.openDelivery({ ...pcmRequest, connectionId: 1 });
    accept(first, 0);
    await first.end();
    const newer = await recorder.resumeDelivery({ ...pcmRequest, connectionId: 3 }, first.session);
    assert.ok(newer !== undefined);
    const late = recorder.resumeDelivery({ ...pcmRequest, connectionId: 2 }, first.session);
    await assert.rejects(late, { code: "SUPERSEDED" });
    accept(newer, 1);
    await passUntil(newer.finish());
    assert.equal(newer.progress.durableNext, 2);
  });

  it("goes on in the open segment within the 5 s [S-1.3]", async () => {
    const first = recorder.openDelivery(pcmRequest);
    accept(first, 0);
    await first.end();
    await passMs(4_000);
    const second = await recorder.resumeDelivery(pcmRequest, first.session);
    assert.ok(second !== undefined);
    await passMs(4_000);
    accept(second, 1);
    await passUntil(second.finish());
    assert.equal(bench.closed.length, 1);
    assert.deepEqual(lookedUp, []);
  });

  it("goes on behind what is on disk where the session had ended [P-2.7]", async () => {
    ended = { point: pointOf(), uploadedNext: 60 };
    const delivery = await recorder.resumeDelivery(pcmRequest, 5n);
    assert.ok(delivery !== undefined);
    assert.deepEqual(lookedUp, ["000000000005"]);
    assert.deepEqual(eventsOf("session.opened", "session.resumed"), ["session.resumed"]);
    const { durableNext, receivedNext, uploadedNext } = delivery.progress;
    assert.deepEqual([durableNext, receivedNext, uploadedNext], [100, 100, 60]);
    accept(delivery, 99, 100);
    const [opening] = bench.openings;
    assert.deepEqual([opening?.index, opening?.start], [4, { seq: 100, sample: 8_000 }]);
    recorder.noteUploaded("000000000005", 100);
    assert.equal(delivery.progress.uploadedNext, 100);
  });

  it("waits for the end of a session that is ending, and looks it up then", async () => {
    const first = recorder.openDelivery(pcmRequest);
    accept(first, 0);
    const finishing = first.finish();
    const resuming = recorder.resumeDelivery(pcmRequest, first.session);
    await passUntil(Promise.all([finishing, resuming]));
    assert.deepEqual(lookedUp, ["000000000001"]);
  });

  it("settles what waits for the end when the connection lets go meanwhile", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0);
    const finishing = delivery.finish();
    await delivery.end();
    await passUntil(finishing);
    await passUntil(delivery.flush());
  });

  it("does not know numbers that name no session", async () => {
    assert.equal(await recorder.resumeDelivery(pcmRequest, 2n ** 63n), undefined);
    assert.equal(await recorder.resumeDelivery(pcmRequest, 77n), undefined);
    assert.deepEqual(lookedUp, ["00000000002d"]);
  });

  it("gives no session to another hwid, stream or format, and leaves it to its holder [P-2.4]", async () => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0);
    const others = [
      { ...pcmRequest, hwid: "mike" },
      { ...pcmRequest, hwid: null },
      { ...pcmRequest, streamId: 8 },
      ...[{ codec: "adpcm" as const }, { sampleRateHz: 8_000 }, { channels: 2 }, { frameSampleCount: 160 }].map(
        (change) => ({ ...pcmRequest, format: { ...pcmFormat, ...change } }),
      ),
    ];
    for (const other of others) assert.equal(await recorder.resumeDelivery(other, delivery.session), undefined);
    assert.equal(await failureOf(delivery), undefined);
    ended = { point: pointOf({ hwid: "mike" }), uploadedNext: undefined };
    assert.equal(await recorder.resumeDelivery(pcmRequest, 5n), undefined);
  });

  it("forgets a session after its time to live [P-2.4]", async () => {
    ended = { point: pointOf(), uploadedNext: undefined };
    bench.clock.nowMs = 60_001;
    assert.equal(await recorder.resumeDelivery(pcmRequest, 5n), undefined);
    bench.clock.nowMs = 60_000;
    assert.ok((await recorder.resumeDelivery(pcmRequest, 5n)) !== undefined);
  });

  it("does not take a wall clock that is set for time that passes [P-2.4]", async () => {
    const deliveries = [recorder.openDelivery(pcmRequest), recorder.openDelivery(pcmRequest)] as const;
    for (const delivery of deliveries) {
      accept(delivery, 0);
      const finishing = delivery.finish();
      await delivery.end();
      await passUntil(finishing);
    }
    ended = { point: { ...pointOf(), lastActiveMs: bench.clock.wallMs() }, uploadedNext: undefined };
    bench.clock.stepMs = 100_000;
    assert.ok((await recorder.resumeDelivery(pcmRequest, deliveries[0].session)) !== undefined);
    bench.clock.stepMs = -100_000;
    bench.clock.nowMs += 60_001;
    assert.equal(await recorder.resumeDelivery(pcmRequest, deliveries[1].session), undefined);
  });

  it("lets the later of two connections win that resume at the same time", async () => {
    ended = { point: pointOf(), uploadedNext: undefined };
    const [first, second] = await Promise.all([
      recorder.resumeDelivery(pcmRequest, 5n),
      recorder.resumeDelivery(pcmRequest, 5n),
    ]);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(await failureOf(first), "SUPERSEDED");
    assert.equal(await failureOf(second), undefined);
    assert.deepEqual(lookedUp, ["000000000005"]);
    assert.equal(recorder.sessionCount, 1);
  });

  it("finds a session that began while it was looked up", async () => {
    const first = recorder.openDelivery(pcmRequest);
    const lookup = Promise.withResolvers<EndedSession | undefined>();
    const late = bench.recorder({ newSessionId: () => "000000000001", findEnded: () => lookup.promise });
    const named = late.openDelivery(pcmRequest);
    const resuming = late.resumeDelivery(pcmRequest, first.session);
    accept(named, 0);
    lookup.resolve({ point: pointOf({ session: "000000000001" }), uploadedNext: undefined });
    const resumed = await resuming;
    assert.equal(resumed?.progress.receivedNext, 1);
    assert.equal(late.sessionCount, 1);
    await passUntil(late.close());
  });

  it("takes the device's word for its nibble order where nothing is configured [P-1.5]", async () => {
    const delivery = recorder.openDelivery({ ...pcmRequest, nibbleOrder: "high" });
    accept(delivery, 0);
    assert.deepEqual(bench.openings[0]?.session.profile, { configuredNibbleOrder: "high" });
  });

  it("does not go on with a session that the disk refused for good, and begins no other while it does", async (t) => {
    const delivery = recorder.openDelivery(pcmRequest);
    accept(delivery, 0);
    bench.fault = ({ kind }) => (kind === "sync" || kind === "write" ? systemError("EIO") : undefined);
    await passUntil(delivery.failed);
    const failing = t.mock.getter(bench.frameLog, "isFailing", () => true);
    await assert.rejects(recorder.resumeDelivery(pcmRequest, delivery.session), { code: "STORAGE_IO" });
    failing.mock.restore();
    bench.fault = () => undefined;
    await delivery.end();
    await passMs(7_000);
    ended = { point: pointOf({ session: "000000000001" }), uploadedNext: undefined };
    assert.equal(await recorder.resumeDelivery(pcmRequest, delivery.session), undefined);
    assert.deepEqual(lookedUp, []);
  });
});
