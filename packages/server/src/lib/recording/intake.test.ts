import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { formatFrame } from "@eet/protocol";
import type { SessionRecord } from "../kernel/segment-record.ts";
import type { Intake } from "./intake.ts";
import type { Recorder } from "./recorder.ts";
import { pcmFrame, pcmRequest, RecordingBench, startWallMs, systemError } from "./recording.test-support.ts";

let bench: RecordingBench;
let recorder: Recorder;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
  recorder = bench.recorder();
});

afterEach(async () => {
  await recorder.close();
  mock.timers.reset();
  await bench.close();
});

function accept(intake: Intake, ...seqs: number[]): boolean[] {
  return seqs.map((seq) => intake.accept(pcmFrame(seq), seq, 80));
}

function sessions(): SessionRecord[] {
  return bench.events.entries.flatMap((event) => (event.type === "session.opened" ? [event.session] : []));
}

/** Whether a promise is settled already. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe("Intake", () => {
  it("opens its session at the first frame, with the start that the device tells [P-3.4]", async () => {
    recorder = bench.recorder({ profileOf: (hwid) => (hwid === "mic" ? { configuredNibbleOrder: "high" } : {}) });
    const intake = recorder.openSession({ ...pcmRequest, deviceMs: startWallMs + 60_000 });
    assert.deepEqual(sessions(), []);
    accept(intake, 0);
    assert.deepEqual(sessions(), [
      {
        session: "s0",
        hwid: "mic",
        streamId: 7,
        format: pcmRequest.format,
        start: {
          startMs: startWallMs + 60_000,
          rule: "device-synced",
          deviceMs: startWallMs + 60_000,
          serverMs: startWallMs - 20,
          warning: null,
        },
        profile: { configuredNibbleOrder: "high" },
        isAcked: false,
      },
    ]);
    await intake.end();
  });

  it("copies what it is given", async () => {
    const intake = recorder.openSession(pcmRequest);
    const message = pcmFrame(0);
    intake.accept(message, 0, 80);
    message.fill(0xff);
    await intake.end();
    assert.ok((await bench.readSession("s0")).equals(pcmFrame(0)));
  });

  it("starts a new session, by the server's clock, when seq goes back [P-1.10]", async () => {
    const intake = recorder.openSession(pcmRequest);
    accept(intake, 5, 6);
    bench.clock.nowMs += 60_000;
    accept(intake, 0, 1);
    await intake.end();
    assert.deepEqual(
      sessions().map(({ session, start }) => [session, start.rule, start.startMs - startWallMs]),
      [
        ["s0", "device-synced", 0],
        ["s1", "server-arrival", 59_980],
      ],
    );
    assert.ok((await bench.readSession("s0")).equals(Buffer.concat([pcmFrame(5), pcmFrame(6)])));
    assert.ok((await bench.readSession("s1")).equals(Buffer.concat([pcmFrame(0), pcmFrame(1)])));
  });

  it("starts a new session when seq jumps by more than a day", async () => {
    const intake = recorder.openSession(pcmRequest);
    const dayFrameCount = (24 * 3600 * 1000) / 20;
    accept(intake, 0, dayFrameCount + 1, 2 * dayFrameCount + 3);
    await intake.end();
    assert.deepEqual(
      bench.openings.map(({ session, index, start }) => [session.session, index, start]),
      [
        ["s0", 0, { seq: 0, sample: 0 }],
        ["s0", 1, { seq: dayFrameCount + 1, sample: (dayFrameCount + 1) * 80 }],
        ["s1", 0, { seq: 2 * dayFrameCount + 3, sample: 0 }],
      ],
    );
  });

  it("aligns segments to the wall clock where that is set [S-1.3]", async () => {
    recorder = bench.recorder({ rotateAlign: true });
    const intake = recorder.openSession({ ...pcmRequest, deviceMs: startWallMs + 900 });
    accept(intake, 0, 1, 2, 3, 4, 5, 6);
    await intake.end();
    assert.deepEqual(
      bench.openings.map(({ start }) => start.seq),
      [0, 5],
    );
  });

  it("slows its sender at 1 MiB and lets it go on when that is on disk", async () => {
    const opened = Promise.withResolvers<void>();
    // No byte gets to the disk until the test has looked.
    const openFile = bench.openFile;
    recorder = bench.recorder({
      rotateS: 3_600,
      openFile: async (opening) => {
        await opened.promise;
        return openFile(opening);
      },
    });
    const intake = recorder.openSession({ ...pcmRequest, format: { ...pcmRequest.format, frameSampleCount: 0 } });
    const message = formatFrame("pcm16", 0, new Uint8Array(64 * 1024 - 12));
    for (let seq = 0; seq < 15; seq++) assert.equal(intake.accept(message, seq, 32), true);
    assert.equal(intake.accept(message, 15, 32), false);
    const drained = intake.drained();
    assert.equal(await isSettled(drained), false);
    opened.resolve();
    await drained;
    assert.equal(intake.accept(message, 16, 32), true);
    await intake.end();
  });

  it("slows a sender that makes files faster than the disk takes them", async () => {
    const intake = recorder.openSession(pcmRequest);
    const answers = accept(intake, ...Array.from({ length: 40 }, (_, at) => at * 1_000));
    assert.ok(answers.indexOf(false) > 1, "some files may be under way");
    assert.equal(answers.at(-1), false);
    await intake.drained();
    const anew = accept(intake, ...Array.from({ length: 40 }, (_, at) => 100 - at * 2));
    assert.equal(anew.at(-1), false);
    await intake.drained();
    await intake.end();
    assert.equal(bench.closed.length, 80);
  });

  it("resolves `failed` when the disk refuses whatever is tried, and ends", async () => {
    bench.fault = ({ kind }) => (kind === "open" ? systemError("EROFS") : undefined);
    const intake = recorder.openSession(pcmRequest);
    assert.equal(await isSettled(intake.failed), false);
    accept(intake, 0);
    for (let count = 0; count <= 201; count++) {
      bench.clock.advance(350);
      await bench.settle();
    }
    assert.equal((await intake.failed).message, "EROFS: as if");
    assert.deepEqual(accept(intake, 1), [true]);
    await intake.end();
  });

  it("ends once, and without frames at once", async () => {
    const silent = recorder.openSession(pcmRequest);
    await silent.end();
    const intake: Intake = recorder.openSession(pcmRequest);
    accept(intake, 0, 1);
    await Promise.all([intake.end(), intake.end()]);
    assert.equal(bench.events.entries.filter(({ type }) => type === "session.closed").length, 1);
    assert.equal(recorder.sessionCount, 0);
  });

  it("lets a paused sender go when it ends", async () => {
    const intake = recorder.openSession(pcmRequest);
    accept(intake, ...Array.from({ length: 40 }, (_, at) => at * 1_000));
    const drained = intake.drained();
    await intake.end();
    await drained;
  });
});
