import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { pcmFrame, pcmFrameBytes, pcmRequest, RecordingBench, systemError } from "./recording.test-support.ts";

let bench: RecordingBench;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
});

afterEach(async () => {
  mock.timers.reset();
  await bench.close();
});

describe("Recorder", () => {
  it("records any number of devices side by side", async () => {
    const recorder = bench.recorder();
    const intakes = Array.from({ length: 20 }, (_, at) => recorder.openSession({ ...pcmRequest, hwid: `mic${at}` }));
    for (let seq = 0; seq < 120; seq++) {
      for (const [at, intake] of intakes.entries()) intake.accept(pcmFrame(seq + at), seq + at, 80);
    }
    assert.equal(recorder.sessionCount, 20);
    await Promise.all(intakes.map((intake) => intake.end()));
    assert.equal(recorder.sessionCount, 0);
    for (const at of intakes.keys()) {
      const frames = Array.from({ length: 120 }, (_, seq) => pcmFrame(seq + at));
      assert.ok((await bench.readSession(`s${at}`)).equals(Buffer.concat(frames)));
    }
    await recorder.close();
  });

  it("gathers writes to a third of a second and syncs within the flush interval [S-2.1] [S-2.2]", async () => {
    const recorder = bench.recorder();
    const intake = recorder.openSession({ ...pcmRequest, deviceMs: 0 });
    for (let seq = 0; seq < 49; seq++) {
      intake.accept(pcmFrame(seq), seq, 80);
      bench.clock.advance(20);
      await bench.settle();
    }
    bench.clock.advance(20);
    await bench.settle();
    assert.equal(bench.clock.nowMs, 1_000);
    assert.equal(bench.countOf("write"), 3);
    assert.equal(bench.countOf("sync"), 1);
    await recorder.close();
  });

  it("counts frames, gaps and duplicates, and how long flushes and syncs take", async () => {
    const recorder = bench.recorder({ flushIntervalMs: 50 });
    const intake = recorder.openSession(pcmRequest);
    for (const seq of [0, 1, 1, 5]) intake.accept(pcmFrame(seq), seq, 80);
    bench.clock.advance(50);
    await bench.settle();
    const { frameCount, byteCount, gapCount, duplicateCount, flushLatency, syncLatency } = recorder.tally;
    assert.deepEqual({ frameCount, gapCount, duplicateCount }, { frameCount: 4, gapCount: 1, duplicateCount: 1 });
    assert.equal(byteCount, 4 * pcmFrameBytes);
    assert.deepEqual([flushLatency.read().count, flushLatency.read().sumMs], [1, 50]);
    assert.equal(syncLatency.read().count, 1);
    await recorder.close();
  });

  it("flushes as often as a short interval asks for", async () => {
    const recorder = bench.recorder({ flushIntervalMs: 50 });
    const intake = recorder.openSession(pcmRequest);
    intake.accept(pcmFrame(0), 0, 80);
    bench.clock.advance(50);
    await bench.settle();
    assert.equal(bench.countOf("sync"), 1);
    await recorder.close();
  });

  it("closes segments of silent devices by itself [S-1.3]", async () => {
    const recorder = bench.recorder();
    const intake = recorder.openSession(pcmRequest);
    intake.accept(pcmFrame(0), 0, 80);
    bench.clock.advance(14_990);
    await bench.settle();
    assert.equal(bench.closed.length, 0);
    bench.clock.advance(1_000);
    await bench.settle();
    assert.deepEqual(
      bench.closed.map(({ reason }) => reason),
      ["idle"],
    );
    assert.equal(recorder.sessionCount, 1);
    await recorder.close();
  });

  it("makes every frame durable when it closes, and leaves no timer", async () => {
    mock.timers.reset();
    const countTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    await bench.frameLog.commit();
    const before = countTimers();
    const recorder = bench.recorder();
    for (const hwid of ["a", "b"]) {
      const intake = recorder.openSession({ ...pcmRequest, hwid });
      intake.accept(pcmFrame(0), 0, 80);
      intake.accept(pcmFrame(1), 1, 80);
    }
    await Promise.all([recorder.close(), recorder.close()]);
    assert.deepEqual(
      bench.closed.map(({ binBytes }) => binBytes),
      [2 * pcmFrameBytes, 2 * pcmFrameBytes],
    );
    await bench.frameLog.close();
    assert.equal(countTimers(), before);
  });

  it("drops all connections when it is told to, and keeps what they sent [S-2.5]", async () => {
    const recorder = bench.recorder();
    const error = systemError("ENOSPC");
    const ended = recorder.openSession(pcmRequest);
    await ended.end();
    const intake = recorder.openSession(pcmRequest);
    intake.accept(pcmFrame(0), 0, 80);
    recorder.failAll(error);
    assert.equal(await intake.failed, error);
    await intake.end();
    assert.ok((await bench.readSession("s0")).equals(pcmFrame(0)));
    await recorder.close();
  });
});
