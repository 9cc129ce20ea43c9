import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { StorageError } from "../kernel/errors.ts";
import { pcmFormat, pcmFrame, pcmFrameBytes, RecordingBench, systemError } from "./recording.test-support.ts";
import { SegmentWriter, type WriterFailure } from "./segment-writer.ts";

const delayMs = 250;
const flushIntervalMs = 1_000;

let bench: RecordingBench;
let writer: SegmentWriter;
let closed: PromiseWithResolvers<number>;
let failed: PromiseWithResolvers<WriterFailure>;
let stalls: Error[];
let releaseCount: number;
let seq: number;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
  closed = Promise.withResolvers();
  failed = Promise.withResolvers();
  stalls = [];
  releaseCount = 0;
  seq = 0;
  writer = openWriter();
});

afterEach(async () => {
  mock.timers.reset();
  await bench.close();
});

function openWriter(isAcked = false): SegmentWriter {
  const opening = {
    version: "eet.open/1",
    session: {
      session: "s0",
      hwid: null,
      streamId: 7,
      format: pcmFormat,
      start: { startMs: 1, rule: "device-unverified", deviceMs: 1, serverMs: 2, warning: null },
      profile: {},
      isAcked,
    },
    index: 0,
    name: "segment",
    folder: "",
    start: { seq: 0, sample: 0 },
    leadingGap: null,
    gapFill: "silence",
    bootId: "boot",
    runId: "run",
    logNumber: bench.frameLog.openSegment(),
  } as const;
  return new SegmentWriter(opening, bench.context, {
    onSynced: () => {
      releaseCount += 1;
    },
    onStalled: (error) => stalls.push(error),
    onFailed: failed.resolve,
    onClosed: closed.resolve,
  });
}

/** Appends the next frames of 20 ms, one by one. */
function append(frameCount: number): void {
  for (let count = 0; count < frameCount; count++) {
    writer.append(pcmFrame(seq), { seq: seq + 1, sample: (seq + 1) * 80 });
    seq += 1;
  }
}

/** Offsets and sizes of the writes so far, in frames. */
function writes(): [number, number][] {
  return bench.operations.entries
    .filter(({ kind }) => kind === "write")
    .map(({ offset, byteCount }) => [offset / pcmFrameBytes, byteCount / pcmFrameBytes]);
}

async function expectBin(frameCount: number): Promise<void> {
  const frames = Array.from({ length: frameCount }, (_, at) => pcmFrame(at));
  assert.ok(
    Buffer.from((await bench.readFiles()).get("/segment.bin.part") ?? "", "latin1").equals(Buffer.concat(frames)),
  );
}

describe("SegmentWriter", () => {
  it("writes once per flush, however many frames came [S-2.1]", async () => {
    append(10);
    bench.clock.advance(delayMs);
    await bench.settle();
    append(1);
    append(12);
    bench.clock.advance(delayMs);
    await bench.settle();
    assert.deepEqual(writes(), [
      [0, 10],
      [10, 13],
    ]);
    assert.equal(bench.countOf("open"), 1);
    assert.equal(bench.countOf("sync"), 0);
  });

  it("does not write a frame by itself after a flush that found nothing to write [S-2.1]", async () => {
    append(1);
    bench.clock.advance(delayMs);
    await bench.settle();
    bench.clock.advance(delayMs);
    append(1);
    append(1);
    await bench.settle();
    assert.deepEqual(writes(), [[0, 1]]);
    bench.clock.advance(delayMs);
    await bench.settle();
    assert.deepEqual(writes(), [
      [0, 1],
      [1, 2],
    ]);
  });

  it("writes before its time at 64 KiB [S-2.1]", async () => {
    const frameCount = Math.ceil(65_536 / pcmFrameBytes);
    append(frameCount - 1);
    await bench.settle();
    assert.equal(bench.countOf("open"), 0);
    append(1);
    await bench.settle();
    assert.deepEqual(writes(), [[0, frameCount]]);
  });

  it("begins the sync within the flush interval of the oldest frame, and gives the bytes free [S-2.2]", async () => {
    append(1);
    for (let flush = 1; flush <= 3; flush++) {
      bench.clock.advance(delayMs);
      await bench.settle();
      append(1);
    }
    assert.equal(bench.countOf("sync"), 0);
    assert.equal(writer.retainedBytes, 4 * pcmFrameBytes);
    bench.clock.advance(delayMs);
    assert.ok(bench.clock.nowMs <= flushIntervalMs);
    await bench.settle();
    assert.equal(releaseCount, 1);
    assert.equal(writer.retainedBytes, 0);
  });

  it("syncs each frame within the interval though frames keep coming while it does [S-2.2]", async () => {
    const arrivals: number[] = [];
    const waits: number[] = [];
    bench.fault = ({ kind }) => {
      const writtenCount = writes().reduce((sum, [, frameCount]) => sum + frameCount, 0);
      const synced = kind === "sync" ? arrivals.slice(waits.length, writtenCount) : [];
      waits.push(...synced.map((arrivalMs) => bench.clock.nowMs - arrivalMs));
      return undefined;
    };
    for (let frame = 0; frame < 250; frame++) {
      append(1);
      arrivals.push(bench.clock.nowMs);
      bench.clock.advance(20);
      await bench.settle();
    }
    assert.ok(waits.length > 190, `${waits.length} frames are synced`);
    assert.ok(Math.max(...waits) <= flushIntervalMs, `the latest after ${Math.max(...waits)} ms`);
    assert.ok(bench.countOf("sync") <= 7);
  });

  it("writes frames that the device keeps only to sync them [P-2.6]", async () => {
    writer = openWriter(true);
    append(10);
    bench.clock.advance(delayMs);
    append(1);
    bench.clock.advance(2 * delayMs);
    await bench.settle();
    assert.deepEqual(writes(), []);
    bench.clock.advance(delayMs);
    await bench.settle();
    assert.deepEqual(writes(), [[0, 11]]);
    assert.equal(bench.countOf("sync"), 1);
  });

  it("leaves the sync to a flush that is announced, and does it itself when none comes", async () => {
    append(1);
    bench.clock.advance(500);
    writer.expectFlush(900);
    bench.clock.advance(850);
    await bench.settle();
    assert.equal(bench.countOf("sync"), 0);
    bench.clock.advance(300);
    await bench.settle();
    assert.equal(bench.countOf("sync"), 1);
  });

  it("syncs before its time when it holds 512 KiB", async () => {
    append(Math.ceil((512 * 1024) / pcmFrameBytes));
    await bench.settle();
    assert.equal(bench.countOf("sync"), 1);
    assert.equal(releaseCount, 1);
  });

  it("makes all durable when it is closed, at any point [S-2.3]", async () => {
    append(10);
    bench.clock.advance(delayMs);
    append(5);
    writer.close();
    writer.close();
    assert.equal(await closed.promise, 15 * pcmFrameBytes);
    const kinds = bench.operations.entries.map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(-2), ["sync", "close"]);
    assert.equal(writer.retainedBytes, 0);
    await expectBin(15);
  });

  it("asks for no flush once it is ended", async () => {
    append(1);
    writer.close();
    await closed.promise;
    bench.clock.advance(2_000);
    await bench.settle();
    assert.deepEqual(
      bench.operations.entries.map(({ kind }) => kind),
      ["open", "write", "sync", "close"],
    );
  });

  it("keeps its frames while descriptors are short, and tries at the scheduler's pace [S-2.6]", async () => {
    bench.fault = ({ kind }) => (kind === "open" ? systemError("EMFILE") : undefined);
    append(500);
    await bench.settle();
    for (let flush = 2; flush <= 6; flush++) {
      append(1);
      await bench.settle();
      bench.clock.advance(delayMs);
      await bench.settle();
    }
    assert.equal(bench.countOf("open"), 6);
    assert.deepEqual(
      stalls.map(({ message }) => message),
      ["EMFILE: as if"],
    );
    bench.fault = () => undefined;
    bench.clock.advance(delayMs);
    writer.close();
    assert.equal(await closed.promise, 505 * pcmFrameBytes);
    await expectBin(505);
  });

  it("writes again where it could not for want of room, with what came since [S-2.5]", async () => {
    append(2);
    bench.clock.advance(delayMs);
    await bench.settle();
    bench.fault = ({ kind }) => (kind === "write" ? systemError("ENOSPC") : undefined);
    append(2);
    bench.clock.advance(delayMs);
    await bench.settle();
    append(2);
    writer.close();
    await bench.settle();
    bench.fault = () => undefined;
    bench.clock.advance(delayMs);
    assert.equal(await closed.promise, 6 * pcmFrameBytes);
    assert.deepEqual(writes().at(-1), [2, 4]);
    assert.equal(stalls.length, 1);
    await expectBin(6);
  });

  it("tells of a new stall after one that is over", async () => {
    for (let stall = 1; stall <= 2; stall++) {
      bench.fault = ({ kind }) => (kind === "write" ? systemError("ENOSPC") : undefined);
      append(1);
      bench.clock.advance(delayMs);
      await bench.settle();
      bench.fault = () => undefined;
      bench.clock.advance(flushIntervalMs);
      await bench.settle();
    }
    assert.equal(stalls.length, 2);
  });

  it("lets go of a file whose sync failed, and hands over exactly what is not synced [S-2.4]", async () => {
    append(3);
    bench.clock.advance(flushIntervalMs);
    await bench.settle();
    append(2);
    const error = new StorageError("STORAGE_IO", "as if", { cause: systemError("EIO") });
    bench.fault = ({ kind }) => {
      if (kind !== "sync") return undefined;
      append(1);
      return error;
    };
    bench.clock.advance(flushIntervalMs);
    const failure = await failed.promise;
    assert.deepEqual(
      { ...failure, unsynced: Buffer.concat(failure.unsynced).toString("hex") },
      {
        error,
        syncedBytes: 3 * pcmFrameBytes,
        syncedPosition: { seq: 3, sample: 240 },
        unsynced: Buffer.concat([pcmFrame(3), pcmFrame(4), pcmFrame(5)]).toString("hex"),
        endPosition: { seq: 6, sample: 480 },
      },
    );
    bench.clock.advance(2 * flushIntervalMs);
    await bench.settle();
    assert.equal(bench.operations.entries.at(-1)?.kind, "close");
    assert.equal(bench.countOf("sync"), 2);
  });

  it("fails without a synced position when nothing was synced", async () => {
    bench.fault = ({ kind }) => (kind === "open" ? systemError("EROFS") : undefined);
    append(2);
    writer.close();
    const { syncedBytes, syncedPosition, unsynced } = await failed.promise;
    assert.deepEqual([syncedBytes, syncedPosition], [0, undefined]);
    assert.equal(Buffer.concat(unsynced).byteLength, 2 * pcmFrameBytes);
  });
});
