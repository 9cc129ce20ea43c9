import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatFrame } from "@eet/protocol";
import fc from "fast-check";
import type { ClosedSegment, RecordFormat, SessionPosition } from "../kernel/segment-record.ts";
import { RecordingBench, startWallMs } from "./recording.test-support.ts";

interface Frame {
  readonly message: Uint8Array;
  /** As on the wire. */
  readonly seq: number;
  readonly sampleCount: number;
}

interface Stream {
  readonly format: RecordFormat;
  readonly deviceMs: number;
  readonly rotateS: number;
  readonly rotateAlign: boolean;
  readonly frames: readonly Frame[];
}

interface Segment {
  readonly session: string;
  readonly index: number;
  readonly name: string;
  readonly start: SessionPosition;
  readonly frames: Frame[];
}

/** How far a frame's seq lies from the one that would follow: mostly 0. */
const steps = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 9, max: 400 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.integer({ min: -300, max: -2 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_000_000, max: 2 ** 31 - 1 }) },
);

const streams: fc.Arbitrary<Stream> = fc
  .record({
    codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
    sampleRateHz: fc.constantFrom(4_000, 16_000, 44_100),
    channels: fc.constantFrom(1, 2),
    frameSampleCount: fc.oneof(fc.constant(0), fc.integer({ min: 2, max: 400 })),
    deviceMs: fc.oneof(fc.constant(0), fc.integer({ min: startWallMs - 500_000, max: startWallMs + 500_000 })),
    rotateS: fc.integer({ min: 1, max: 10 }).map((tenths) => tenths / 10),
    rotateAlign: fc.boolean(),
    firstSeq: fc.oneof(fc.constant(0), fc.nat(0xffffffff), fc.integer({ min: 2 ** 32 - 40, max: 2 ** 32 - 1 })),
    drafts: fc.array(fc.tuple(steps, fc.nat(399), fc.nat(255)), { minLength: 1, maxLength: 80, size: "max" }),
  })
  .map(({ codec, sampleRateHz, channels, frameSampleCount, firstSeq, drafts, ...rest }) => {
    const format: RecordFormat = { codec, sampleRateHz, channels, frameSampleCount };
    let next = firstSeq;
    const frames = drafts.map(([step, size, fill]) => {
      const seq = (next + step + 2 ** 32) % 2 ** 32;
      next = seq + 1;
      const sampleCount = 1 + (frameSampleCount === 0 ? size : size % frameSampleCount);
      const payload = new Uint8Array(sampleCount * 2 * channels).fill(fill);
      return { message: formatFrame(codec, seq, payload), seq, sampleCount };
    });
    return { format, ...rest, frames };
  });

/** Frames of one session with their places on its time line. */
interface PlacedFrame {
  readonly frame: Frame;
  /** Unwrapped. */
  readonly seq: number;
  readonly missingCount: number;
  /** Where the gap in front of it starts; where itself starts when there is none. */
  readonly gapSample: number;
  readonly sample: number;
}

/** First step of the model: which frames make a session, and where they lie. [P-1.10] [P-2.3] */
function placeFrames({ format, frames }: Stream): PlacedFrame[][] {
  const sessions: PlacedFrame[][] = [];
  for (const frame of frames) {
    const session = sessions.at(-1);
    const last = session?.at(-1);
    const isFirst = session === undefined || last === undefined;
    // A repeat does not move the session on, so what comes next is counted from the highest seq.
    const next = isFirst ? frame.seq : Math.max(...session.map(({ seq }) => seq)) + 1;
    const distance = Number(BigInt.asIntN(32, BigInt(frame.seq) - BigInt(next)));
    const missingCount = Math.max(0, distance);
    const gap = missingCount * (format.frameSampleCount || (last?.frame.sampleCount ?? 0));
    if (isFirst || distance < -1 || gap > 24 * 3600 * format.sampleRateHz) {
      sessions.push([{ frame, seq: frame.seq, missingCount: 0, gapSample: 0, sample: 0 }]);
      continue;
    }
    const gapSample = last.sample + last.frame.sampleCount;
    session.push({ frame, seq: next + distance, missingCount, gapSample, sample: gapSample + gap });
  }
  return sessions;
}

/** Second step: where the sessions are cut. [S-1.3] [S-1.5] */
function cutSegments(stream: Stream): Segment[] {
  const { sampleRateHz } = stream.format;
  const full = Math.round(stream.rotateS * sampleRateHz);
  const segments: Segment[] = [];
  for (const [number, session] of placeFrames(stream).entries()) {
    const arrivalMs = startWallMs - ((session[0]?.frame.sampleCount ?? 0) * 1000) / sampleRateHz;
    const startMs = number === 0 && stream.deviceMs > 0 ? stream.deviceMs : arrivalMs;
    const shift = Math.round(((startMs % (stream.rotateS * 1000)) * sampleRateHz) / 1000);
    const slotOf = (sample: number) => Math.floor((sample + shift) / full);
    let current: Segment | undefined;
    for (const { frame, seq, missingCount, gapSample, sample } of session) {
      const isLongGap = sample - gapSample > full;
      const since = current?.start.sample ?? 0;
      const isFull = stream.rotateAlign ? slotOf(gapSample) !== slotOf(since) : gapSample - since >= full;
      if (current === undefined || isFull || isLongGap) {
        const start = isLongGap ? { seq, sample } : { seq: seq - missingCount, sample: gapSample };
        const index = current === undefined ? 0 : current.index + 1;
        const time = new Date(startMs + (start.sample * 1000) / sampleRateHz).toISOString();
        const [date, clock] = time.replaceAll(/[-:]/g, "").split(/[T.]/);
        const name = `stream_9_mic_a_${date}_${clock}_s${number}-${index}`;
        current = { session: `s${number}`, index, name, start, frames: [] };
        segments.push(current);
      }
      current.frames.push(frame);
    }
  }
  return segments;
}

/** Feeds a stream to a fresh recorder, as one connection. */
async function record({ format, deviceMs, rotateS, rotateAlign, frames }: Stream): Promise<RecordingBench> {
  const bench = await RecordingBench.open();
  const recorder = bench.recorder({ rotateS, rotateAlign });
  const intake = recorder.openSession({ hwid: "mic_a", streamId: 9, format, deviceMs });
  for (const { message, seq, sampleCount } of frames) {
    if (!intake.accept(message, seq, sampleCount)) await intake.drained();
  }
  await intake.end();
  await recorder.close();
  return bench;
}

function sessionNumber({ opening }: ClosedSegment): number {
  return Number(opening.session.session.slice(1));
}

describe("Recorder on random streams", () => {
  it("keeps every frame of a session byte for byte, cut where the positions say [S-1.3]", async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (stream) => {
        const expected = cutSegments(stream);
        await using stack = new AsyncDisposableStack();
        const bench = await record(stream);
        stack.defer(() => bench.close());
        // Segments come in their session's order; sessions that end side by side come in any.
        const closed = bench.closed.sort((a, b) => sessionNumber(a) - sessionNumber(b));
        assert.deepEqual(
          closed.map(({ opening }) => {
            const { session, index, name, start } = opening;
            return { session: session.session, index, name, start };
          }),
          expected.map(({ session, index, name, start }) => ({ session, index, name, start })),
        );
        for (const [at, segment] of closed.entries()) {
          const messages = expected[at]?.frames.map(({ message }) => message) ?? [];
          assert.ok((await bench.readBin(segment)).equals(Buffer.concat(messages)), segment.opening.name);
        }
        for (const session of new Set(expected.map((segment) => segment.session))) {
          const input = expected.filter((segment) => segment.session === session).flatMap(({ frames }) => frames);
          const messages = input.map(({ message }) => message);
          assert.ok((await bench.readSession(session)).equals(Buffer.concat(messages)), session);
        }
        assert.equal(
          expected.reduce((sum, { frames }) => sum + frames.length, 0),
          stream.frames.length,
        );
      }),
      { numRuns: 80 },
    );
  });

  it("makes the same files with the same names of the same frames [S-1.3]", async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (stream) => {
        await using stack = new AsyncDisposableStack();
        const [first, second] = [await record(stream), await record(stream)];
        stack.defer(() => first.close());
        stack.defer(() => second.close());
        assert.deepEqual(await second.readFiles(), await first.readFiles());
      }),
      { numRuns: 30 },
    );
  });
});
