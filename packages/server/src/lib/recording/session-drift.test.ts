import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { SessionRecord } from "../kernel/segment-record.ts";
import { pcmFormat, pcmFrame, RecordingBench, startWallMs } from "./recording.test-support.ts";
import { Rotation } from "./rotation.ts";
import { Session } from "./session.ts";

const frameMs = 20;
/** No segment ends where the first minute does. */
const rotateS = 14;

let bench: RecordingBench;
let session: Session;
let nextSeq: number;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
  const record: SessionRecord = {
    session: "s0",
    hwid: "mic",
    streamId: 7,
    format: pcmFormat,
    start: { startMs: startWallMs, rule: "device-synced", deviceMs: startWallMs, serverMs: startWallMs, warning: null },
    profile: {},
    isAcked: false,
  };
  const observer = { onReleased: () => {}, onProgress: () => {}, onFailed: assert.fail };
  session = new Session(record, new Rotation(pcmFormat, { rotateS }), bench.context, observer);
  nextSeq = 0;
});

afterEach(async () => {
  mock.timers.reset();
  await bench.close();
});

/** Frames arrive from a device that samples `ppm` millionths faster than it declares: the same audio takes it less time. */
async function receive(seconds: number, ppm: number): Promise<void> {
  for (let count = 0; count < (seconds * 1000) / frameMs; count++) {
    bench.clock.nowMs += frameMs / (1 + ppm / 1e6);
    const isFirstOfSegment = nextSeq % ((rotateS * 1000) / frameMs) === 0;
    assert.ok(session.accept(pcmFrame(nextSeq), nextSeq, pcmFormat.frameSampleCount));
    nextSeq += 1;
    // A segment notes the drift when its file is closed: before more audio comes, as it is on a disk that is not slow.
    if (isFirstOfSegment) await bench.settle();
  }
}

/** What each closed segment brings into its sidecar, in order. */
function drifts(): (number | null)[] {
  return bench.closed.map(({ observations }) => observations?.driftPpm ?? null);
}

function suspicions() {
  return bench.events.entries.filter((event) => event.type === "drift.suspicious");
}

function assertNear(actual: number | null | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1, `${actual} is not ${expected}`);
}

describe("Session, of a device whose clock is off", () => {
  for (const ppm of [600, -600]) {
    it(`notes ${ppm} ppm from the first minute on, and says once that it is suspicious`, async () => {
      await receive(90, ppm);
      await session.end();
      assert.equal(bench.closed.length, 7);
      assert.deepEqual(drifts().slice(0, 4), [null, null, null, null]);
      for (const drift of drifts().slice(4)) assertNear(drift, ppm);
      const [told, ...more] = suspicions();
      assert.deepEqual(told, { type: "drift.suspicious", session: session.record, driftPpm: drifts()[4] });
      assert.deepEqual(more, []);
    });
  }

  for (const ppm of [400, -400]) {
    it(`notes ${ppm} ppm and does not find it suspicious`, async () => {
      await receive(90, ppm);
      await session.end();
      assert.equal(bench.closed.length, 7);
      for (const drift of drifts().slice(4)) assertNear(drift, ppm);
      assert.deepEqual(suspicions(), []);
    });
  }

  it("does not take a pause for drift: it measures anew behind it", async () => {
    await receive(70, 100);
    bench.clock.nowMs += 20_000;
    session.closeIfIdle(bench.clock.monotonicMs());
    await bench.settle();
    const before = bench.closed.length;
    await receive(70, 100);
    await session.end();
    assert.deepEqual(drifts().slice(before, before + 2), [null, null]);
    assertNear(drifts().at(-1), 100);
    assert.deepEqual(suspicions(), []);
  });
});
