import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { formatFrame } from "@eet/protocol";
import type { RecordFormat, SegmentOpening, SessionRecord } from "../kernel/segment-record.ts";
import {
  pcmFormat,
  pcmFrame,
  pcmFrameBytes,
  RecordingBench,
  startWallMs,
  systemError,
} from "./recording.test-support.ts";
import { Rotation, type RotationOptions } from "./rotation.ts";
import { Session } from "./session.ts";

/** One rotation: 10 frames of 20 ms. */
const rotateS = 0.2;

let bench: RecordingBench;
let failures: Error[];
let session: Session;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  bench = await RecordingBench.open();
  failures = [];
  session = createSession();
});

afterEach(async () => {
  mock.timers.reset();
  await bench.close();
});

function createSession(format: RecordFormat = pcmFormat, rotation: RotationOptions = { rotateS }): Session {
  const record: SessionRecord = {
    session: "s0",
    hwid: "mic",
    streamId: 7,
    format,
    start: { startMs: startWallMs, rule: "device-synced", deviceMs: startWallMs, serverMs: startWallMs, warning: null },
    profile: {},
    isAcked: false,
  };
  return new Session(record, new Rotation(format, rotation), bench.context, {
    onReleased: () => {},
    onProgress: () => {},
    onFailed: (error) => failures.push(error),
  });
}

/** Feeds frames of 20 ms; tells whether all were taken. */
function accept(...seqs: number[]): boolean {
  return seqs.every((seq) => session.accept(pcmFrame(seq), seq % 2 ** 32, 80));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** Where each segment starts: its seq, `@`, its position in frames. */
function starts(): string[] {
  return bench.openings.map(({ start }) => `${start.seq}@${start.sample / 80}`);
}

function reasons(): string[] {
  return bench.closed.map(({ reason }) => reason);
}

async function expectFrames(...seqs: number[]): Promise<void> {
  assert.ok((await bench.readSession("s0")).equals(Buffer.concat(seqs.map(pcmFrame))));
}

describe("Session", () => {
  it("cuts at the first frame boundary past a full rotation of media time [S-1.3]", async () => {
    accept(...range(0, 25));
    await session.end();
    assert.deepEqual(starts(), ["0@0", "10@10", "20@20"]);
    assert.deepEqual(reasons(), ["rotation", "rotation", "session-ended"]);
    assert.deepEqual(
      bench.closed.map(({ opening, binBytes }) => [opening.index, binBytes / pcmFrameBytes]),
      [
        [0, 10],
        [1, 10],
        [2, 5],
      ],
    );
    await expectFrames(...range(0, 25));
  });

  it("names segments by the UTC time of their first sample [S-1.1]", async () => {
    session = createSession(pcmFormat, { rotateS: 1 });
    accept(...range(0, 51));
    await session.end();
    assert.deepEqual(
      bench.openings.map(({ folder, name }) => `${folder}/${name}`),
      ["mic/stream_7_mic_20260101_000000_s0-0", "mic/stream_7_mic_20260101_000001_s0-1"],
    );
  });

  it("tells all events in their order, and the times of the first and the last frame", async () => {
    accept(0);
    bench.clock.nowMs += 30;
    accept(1);
    bench.clock.nowMs += 100;
    await session.end();
    assert.deepEqual(
      bench.events.entries.map(({ type }) => type),
      ["segment.opened", "segment.closed", "session.closed"],
    );
    assert.deepEqual(bench.closed[0]?.received, { firstMs: startWallMs, lastMs: startWallMs + 30 });
    assert.deepEqual(bench.events.entries.at(-1), {
      type: "session.closed",
      session: session.record,
      endedMs: startWallMs + 130,
    });
  });

  it("keeps a gap of one rotation inside its segment and moves on by it [S-1.5]", async () => {
    accept(0, 1, 12, 13);
    await session.end();
    assert.deepEqual(starts(), ["0@0", "13@13"]);
    assert.deepEqual(
      bench.openings.map(({ leadingGap }) => leadingGap),
      [null, null],
    );
    await expectFrames(0, 1, 12, 13);
  });

  it("ends the segment at a longer gap and starts the next behind it [S-1.5]", async () => {
    accept(0, 1, 13);
    await session.end();
    assert.deepEqual(starts(), ["0@0", "13@13"]);
    assert.deepEqual(reasons(), ["gap", "session-ended"]);
    assert.deepEqual(bench.openings[1]?.leadingGap, {
      fromSeq: 2,
      toSeq: 13,
      startSample: 160,
      sampleCount: 880,
      isEstimated: false,
      cause: "not-received",
    });
  });

  it("starts a segment with the gap that follows a rotation [S-1.5]", async () => {
    accept(...range(0, 10), 15);
    await session.end();
    assert.deepEqual(starts(), ["0@0", "10@10"]);
    assert.deepEqual(reasons(), ["rotation", "session-ended"]);
    const gap = bench.openings[1]?.leadingGap;
    assert.deepEqual([gap?.fromSeq, gap?.toSeq, gap?.startSample, gap?.sampleCount], [10, 15, 800, 400]);
  });

  it("takes the frame before a gap for its measure where the frame size varies", async () => {
    session = createSession({ ...pcmFormat, frameSampleCount: 0 }, { rotateS: 10 });
    session.accept(pcmFrame(0), 0, 50);
    session.accept(pcmFrame(1), 1, 70);
    session.accept(pcmFrame(4), 4, 60);
    session.closeIfIdle(bench.clock.monotonicMs());
    bench.clock.nowMs += 15_000;
    session.closeIfIdle(bench.clock.monotonicMs());
    session.accept(pcmFrame(5), 5, 60);
    await session.end();
    assert.equal(bench.openings[1]?.start.sample, 50 + 70 + 2 * 70 + 60);
  });

  it("stores repeats like any frame [P-1.10]", async () => {
    assert.ok(accept(0, 1, 1, 1, 2));
    await session.end();
    assert.deepEqual(starts(), ["0@0"]);
    await expectFrames(0, 1, 1, 1, 2);
  });

  it("takes no frame whose seq goes back [P-1.10]", async () => {
    assert.ok(accept(5, 6, 7));
    assert.equal(accept(6), false);
    assert.equal(accept(0), false);
    await session.end();
    await expectFrames(5, 6, 7);
  });

  it("takes a gap of 24 h and no longer one", async () => {
    const dayFrameCount = (24 * 3600 * 1000) / 20;
    assert.ok(accept(0, dayFrameCount + 1));
    assert.equal(accept(2 * dayFrameCount + 3), false);
    await session.end();
    assert.deepEqual(reasons(), ["gap", "session-ended"]);
    await expectFrames(0, dayFrameCount + 1);
  });

  it("goes on past 2^32 [P-2.2]", async () => {
    assert.ok(accept(...range(2 ** 32 - 5, 2 ** 32 + 6)));
    await session.end();
    assert.deepEqual(starts(), [`${2 ** 32 - 5}@0`, `${2 ** 32 + 5}@10`]);
    await expectFrames(...range(2 ** 32 - 5, 2 ** 32 + 6));
  });

  it("closes the segment after 15 s without a frame and goes on in the next [S-1.3]", async () => {
    accept(0, 1);
    bench.clock.nowMs += 14_999;
    session.closeIfIdle(bench.clock.monotonicMs());
    accept(2);
    bench.clock.nowMs += 15_000;
    session.closeIfIdle(bench.clock.monotonicMs());
    session.closeIfIdle(bench.clock.monotonicMs());
    accept(3);
    await session.end();
    assert.deepEqual(starts(), ["0@0", "3@3"]);
    assert.deepEqual(reasons(), ["idle", "session-ended"]);
    await expectFrames(0, 1, 2, 3);
  });

  it("closes the segment when its files get too large [S-1.5]", async () => {
    session = createSession(pcmFormat, { rotateS: 10, maxSegmentBytes: 3 * pcmFrameBytes });
    accept(0, 1, 2, 3);
    await session.end();
    assert.deepEqual(reasons(), ["size-limit", "session-ended"]);
    assert.equal(bench.closed[0]?.binBytes, 3 * pcmFrameBytes);
  });

  it("hands on the decoder state of the ADPCM frame that follows, if it does without a gap [P-1.6]", async () => {
    const adpcm: RecordFormat = { codec: "adpcm", sampleRateHz: 4_000, channels: 1, frameSampleCount: 81 };
    session = createSession(adpcm, { rotateS: 0.04 });
    const payload = Uint8Array.of(0x34, 0xf2, 88, 0, ...new Uint8Array(40));
    for (const seq of [0, 1, 2, 3, 6]) session.accept(formatFrame("adpcm", seq, payload), seq, 81);
    await session.end();
    assert.deepEqual(
      bench.closed.map(({ nextFrame }) => nextFrame),
      [{ seq: 2, predictor: 0xf234 - 0x10000, stepIndex: 88 }, null, null],
    );
  });

  it("ends once, with nothing to close too", async () => {
    await Promise.all([session.end(), session.end()]);
    assert.deepEqual(
      bench.events.entries.map(({ type }) => type),
      ["session.closed"],
    );
  });

  it("counts what waits: frames, and closing segments for their files", async () => {
    accept(...range(0, 10));
    assert.equal(session.waitingBytes, 10 * pcmFrameBytes);
    accept(10);
    assert.equal(session.waitingBytes, 11 * pcmFrameBytes + 64 * 1024);
    await session.end();
    assert.equal(session.waitingBytes, 0);
  });
});

describe("Session on a disk that fails", () => {
  const eio = systemError("EIO");

  function failSyncs(shallFail: (opening: SegmentOpening) => boolean): void {
    bench.fault = ({ kind, name }) => {
      const opening = bench.openings.find((candidate) => candidate.name === name);
      return kind === "sync" && opening !== undefined && shallFail(opening) ? eio : undefined;
    };
  }

  /** Syncs what was accepted. */
  async function flush(): Promise<void> {
    bench.clock.advance(1_000);
    await bench.settle();
  }

  /** Ends the session; what stands for a file that failed waits for a flush. */
  async function end(): Promise<void> {
    const ended = session.end();
    await bench.settle();
    await flush();
    await ended;
  }

  it("goes on in a new file with exactly what is not synced [S-2.4]", async () => {
    session = createSession(pcmFormat, { rotateS: 10 });
    accept(0, 1, 2);
    await flush();
    failSyncs(({ index }) => index === 0);
    accept(3, 4);
    await flush();
    accept(5);
    await flush();
    await session.end();
    assert.deepEqual(starts(), ["0@0", "3@3"]);
    assert.deepEqual(
      bench.closed.map(({ reason, binBytes }) => [reason, binBytes / pcmFrameBytes]),
      [
        ["storage-failed", 3],
        ["session-ended", 3],
      ],
    );
    assert.deepEqual(
      bench.events.entries.filter(({ type }) => type === "storage.failed"),
      [{ type: "storage.failed", code: "EIO", message: "EIO: as if" }],
    );
    await expectFrames(0, 1, 2, 3, 4, 5);
  });

  it("takes over start and leading gap where nothing is synced", async () => {
    failSyncs(({ index }) => index === 1);
    accept(...range(0, 10), 15);
    await end();
    assert.deepEqual(starts(), ["0@0", "10@10", "10@10"]);
    assert.deepEqual(bench.openings[2]?.leadingGap, bench.openings[1]?.leadingGap);
    await expectFrames(...range(0, 10), 15);
  });

  it("replaces a file that fails while it closes; the reason and the next frame go with the frames", async () => {
    failSyncs(({ index }) => index === 0);
    accept(...range(0, 11));
    await end();
    const closed = bench.closed.sort((a, b) => a.opening.index - b.opening.index);
    assert.deepEqual(
      closed.map(({ reason, binBytes, opening }) => [reason, binBytes / pcmFrameBytes, opening.start.seq]),
      [
        ["storage-failed", 0, 0],
        ["session-ended", 1, 10],
        ["rotation", 10, 0],
      ],
    );
    assert.equal(bench.events.entries.at(-1)?.type, "session.closed");
  });

  it("keeps frames for as long as there is no room, and says so once [S-2.5]", async () => {
    bench.fault = ({ kind }) => (kind === "write" ? systemError("ENOSPC") : undefined);
    accept(...range(0, 5));
    await flush();
    accept(...range(5, 12));
    await flush();
    const ended = session.end();
    await flush();
    assert.equal(bench.closed.length, 0);
    bench.fault = () => undefined;
    bench.clock.advance(250);
    await ended;
    const failed = bench.events.entries.filter(({ type }) => type === "storage.failed");
    assert.equal(failed.length, 1, "the second segment waits for the first");
    await expectFrames(...range(0, 12));
  });

  it("gives a file that fails while it closes the time of a flush for each try [S-2.4]", async () => {
    failSyncs(({ index }) => index < 5);
    accept(...range(0, 3));
    const ended = session.end();
    for (let count = 0; count < 5; count++) {
      await bench.settle();
      assert.equal(bench.openings.length, count + 2);
      await flush();
    }
    await ended;
    await expectFrames(...range(0, 3));
  });

  it("gives up after 200 more files, leaves the last one for the next start and ends all the same", async () => {
    failSyncs(() => true);
    accept(0);
    for (let count = 0; count <= 201; count++) await flush();
    assert.deepEqual(failures, [eio]);
    assert.equal(bench.openings.length, 201);
    assert.ok(accept(1, 2, 3));
    assert.equal(session.waitingBytes, 0);
    await session.end();
    assert.equal(bench.openings.length, 201);
    assert.equal(bench.events.entries.at(-1)?.type, "session.closed");
    const last = bench.openings.at(-1);
    assert.ok(bench.closed.every(({ opening }) => opening !== last));
    const gaveUp = bench.events.entries.filter(({ type }) => type === "storage.gave-up");
    assert.deepEqual(gaveUp, [{ type: "storage.gave-up", opening: last, unsyncedBytes: pcmFrameBytes }]);
    const left = await readFile(join(bench.receivedPath, last?.folder ?? "", `${last?.name}.bin.part`));
    assert.equal(left.byteLength, pcmFrameBytes);
  });

  it("starts to count files anew when one is synced", async () => {
    session = createSession(pcmFormat, { rotateS: 10 });
    for (let count = 0; count < 15; count++) {
      failSyncs(({ index }) => index % 2 === 0);
      accept(count);
      await flush();
      await flush();
      if (count % 2 === 1) failSyncs(({ index }) => index % 2 === 1);
      await flush();
    }
    bench.fault = () => undefined;
    await session.end();
    assert.deepEqual(failures, []);
    await expectFrames(...range(0, 15));
  });
});
