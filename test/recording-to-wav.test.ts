import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { countFrameSamples, formatFrame } from "@eet/protocol";
import fc from "fast-check";
import { finishSegment } from "../packages/server/src/lib/finishing/finish-segment-store.ts";
import { decodeOnce, type SentFrame } from "../packages/server/src/lib/finishing/reference-decode.test-support.ts";
import {
  adpcmFrames,
  pathOf,
  pcmFrames,
  readTree,
  temporaryFolder,
  wavSamples,
  wobble,
} from "../packages/server/src/lib/finishing/segment-fixture.test-support.ts";
import { verifyFolder } from "../packages/server/src/lib/finishing/verification-store.ts";
import type { Clock, MonotonicMs, WallMs } from "../packages/server/src/lib/kernel/clock.ts";
import type { ClosedSegment, RecordFormat } from "../packages/server/src/lib/kernel/segment-record.ts";
import { Recorder } from "../packages/server/src/lib/recording/recorder.ts";
import { FrameLog } from "../packages/server/src/lib/storage/frame-log-store.ts";

/** A session as a device sends it, and how the server is set. */
interface Take {
  readonly format: RecordFormat;
  readonly order: "low" | "high";
  readonly frames: readonly SentFrame[];
  readonly rotateS: number;
  readonly rotateAlign: boolean;
  readonly gapFill: "silence" | "skip";
}

const startMs = Date.UTC(2026, 4, 6, 23, 59, 59, 777);

/** Wall clock that moves by 1 ms per frame, so that two runs see the same times. */
function steppingClock(): Clock & { step(): void } {
  let nowMs = startMs;
  return {
    wallMs: () => nowMs as WallMs,
    monotonicMs: () => performance.now() as MonotonicMs,
    step: () => {
      nowMs += 1;
    },
  };
}

/** Records a session. @returns its closed segments in order */
async function record(dataPath: string, take: Take): Promise<ClosedSegment[]> {
  const frameLog = await FrameLog.open({ folder: join(dataPath, "frame-log"), runId: "run", onError: assert.fail });
  const clock = steppingClock();
  const segments: ClosedSegment[] = [];
  const recorder = new Recorder({
    ...take,
    receivedPath: join(dataPath, "received"),
    layout: "{hwid}/{HH}",
    flushIntervalMs: 1_000,
    bootId: "boot",
    runId: "run",
    frameLog,
    clock,
    listener: (event) => {
      if (event.type === "segment.closed") segments.push(event.segment);
    },
    profileOf: () => ({ configuredNibbleOrder: take.order }),
    resumeTtlMs: 0,
    findEnded: () => Promise.resolve(undefined),
    newSessionId: () => "s1",
  });
  const { format } = take;
  const intake = recorder.openSession({ hwid: "mic-1", streamId: 7, format, deviceMs: startMs - 1_500 });
  for (const { seq, payload } of take.frames) {
    clock.step();
    const hasRoom = intake.accept(
      formatFrame(format.codec, seq, payload),
      seq % 2 ** 32,
      countFrameSamples(format, payload.byteLength),
    );
    if (!hasRoom) await intake.drained();
  }
  await intake.end();
  await recorder.close();
  await frameLog.close();
  return segments.sort((a, b) => a.opening.index - b.opening.index);
}

/** Records and finishes a session. @returns the samples of its WAVs, joined, and the files */
async function recordToWav(t: TestContext, take: Take): Promise<{ samples: number[]; tree: Record<string, string> }> {
  const dataPath = temporaryFolder(t);
  const receivedPath = join(dataPath, "received");
  const samples = (await record(dataPath, take)).flatMap((segment) => {
    finishSegment({ receivedPath, segment, wantsWav: true, isRecovered: false });
    rmSync(pathOf(receivedPath, segment.opening, "open"));
    return wavSamples(pathOf(receivedPath, segment.opening, "wav"));
  });
  for await (const { problems } of verifyFolder(receivedPath)) assert.deepEqual(problems, []);
  const tree = readTree(receivedPath);
  rmSync(dataPath, { recursive: true });
  return { samples, tree };
}

const anyTake: fc.Arbitrary<Take> = fc
  .record({
    codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
    sampleRateHz: fc.constantFrom(8_000, 16_000, 22_050),
    pcmChannels: fc.integer({ min: 1, max: 3 }),
    frameSampleCount: fc.constantFrom(1, 31, 160, 321),
    isVarying: fc.boolean(),
    order: fc.constantFrom("low" as const, "high" as const),
    oddCode: fc.constantFrom("pad" as const, "drop" as const),
    frameCount: fc.integer({ min: 1, max: 60 }),
    lost: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 12 })), { maxLength: 5 }),
    repeated: fc.array(fc.nat(60), { maxLength: 3 }),
    firstSeq: fc.constantFrom(0, 77, 2 ** 32 - 20),
    /** Frames per segment. */
    rotateFrames: fc.double({ min: 0.5, max: 25, noNaN: true }),
    rotateAlign: fc.boolean(),
    gapFill: fc.constantFrom("silence" as const, "skip" as const),
    seed: fc.nat(1_000),
  })
  .map((draw) => {
    const { codec, sampleRateHz, order, rotateAlign, gapFill } = draw;
    const channels = codec === "pcm16" ? draw.pcmChannels : 1;
    const format = { codec, sampleRateHz, channels, frameSampleCount: draw.isVarying ? 0 : draw.frameSampleCount };
    const samples = wobble(draw.frameCount * draw.frameSampleCount * channels, draw.seed);
    const sent =
      codec === "pcm16"
        ? pcmFrames(samples, draw.frameSampleCount * channels)
        : adpcmFrames(samples, draw.frameSampleCount, order, draw.oddCode);
    const isLost = (seq: number) => draw.lost.some(([from, count]) => seq > from && seq <= from + count);
    const frames = sent
      .filter(({ seq }) => !isLost(seq))
      .flatMap((frame) => (draw.repeated.includes(frame.seq) ? [frame, frame] : [frame]))
      .map(({ seq, payload }) => ({ seq: seq + draw.firstSeq, payload }));
    const rotateS = (draw.rotateFrames * draw.frameSampleCount) / sampleRateHz;
    return { format, order, frames, rotateS, rotateAlign, gapFill };
  });

/** [S-1.5] Gaps up to one rotation are filled. */
function filledGapSamples({ rotateS, format, gapFill }: Take): number {
  return gapFill === "skip" ? 0 : Math.max(1, Math.round(rotateS * format.sampleRateHz));
}

describe("Recorder and finishSegment", () => {
  it("give WAVs that join to the decode of all frames, and the same files each time [S-1.3]", async (t) => {
    await fc.assert(
      fc.asyncProperty(anyTake, async (take) => {
        const first = await recordToWav(t, take);
        assert.deepEqual(first.samples, decodeOnce(take.frames, take.format, take.order, filledGapSamples(take)));
        assert.deepEqual((await recordToWav(t, take)).tree, first.tree);
      }),
      { numRuns: 40 },
    );
  });
});
