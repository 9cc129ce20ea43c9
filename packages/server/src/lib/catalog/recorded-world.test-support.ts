import fc from "fast-check";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { GapRecord } from "../kernel/segment-record.ts";
import type { Catalog } from "./catalog.ts";
import { finishedSegment, sessionStartMs } from "./finished-segment.test-support.ts";

const rateHz = 16_000;
const samplesPerMs = rateHz / 1000;

/** A segment of a {@link World}, and what is to become of its uploads. */
interface SegmentPlan {
  readonly lengthMs: number;
  /** Missing in front of it, ms; 0: none. */
  readonly frontGapMs: number;
  /** Where in it a gap begins and ends, as shares of its length; `undefined`: it has none. */
  readonly gap: readonly [number, number] | undefined;
  readonly cause: GapRecord["cause"];
  readonly rmsDbfs: number | undefined;
  readonly isRecovered: boolean;
  readonly uploads: "none" | "pending" | "stored" | "failed";
}

interface SessionPlan {
  readonly hwid: string | null;
  readonly streamId: number;
  readonly startMs: number;
  readonly endedMs: number | undefined;
  readonly segments: readonly SegmentPlan[];
}

const segmentPlan: fc.Arbitrary<SegmentPlan> = fc.record({
  lengthMs: fc.oneof(fc.constant(10_000), fc.integer({ min: 20, max: 15_000 }), fc.integer({ min: 1, max: 5_000_000 })),
  frontGapMs: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 4_000_000 }) },
  ),
  gap: fc.option(
    fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => [Math.min(a, b) / 100, (Math.max(a, b) + 1) / 100] as const),
    { nil: undefined, freq: 2 },
  ),
  cause: fc.constantFrom("not-received", "device-dropped", "storage-failed"),
  rmsDbfs: fc.option(fc.integer({ min: -90, max: -3 }), { nil: undefined, freq: 5 }),
  isRecovered: fc.boolean(),
  uploads: fc.constantFrom("none", "pending", "stored", "failed"),
});

/** What some devices recorded: sessions that overlap, segments of milliseconds and of an hour, gaps. */
export const worldPlan: fc.Arbitrary<readonly SessionPlan[]> = fc.array(
  fc.record({
    hwid: fc.constantFrom("mic-1", "mic-2", null),
    streamId: fc.integer({ min: 1, max: 2 }),
    startMs: fc.integer({ min: 0, max: 3_000_000 }).map((offsetMs) => sessionStartMs + offsetMs),
    endedMs: fc.option(fc.constant(sessionStartMs + 90_000_000), { nil: undefined }),
    segments: fc.array(segmentPlan, { minLength: 1, maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 5 },
);

/** A segment as the naive model knows it. */
export interface ModelSegment {
  readonly finished: FinishedSegment;
  readonly plan: SegmentPlan;
  readonly startMs: number;
  readonly endMs: number;
}

function build(session: SessionPlan, at: number): ModelSegment[] {
  const made: ModelSegment[] = [];
  let startSample = 0;
  for (const [index, plan] of session.segments.entries()) {
    const frontSamples = plan.frontGapMs * samplesPerMs;
    const samples = plan.lengthMs * samplesPerMs;
    const front = frontSamples > 0 ? [[startSample, frontSamples] as const] : [];
    startSample += frontSamples;
    const [from, to] = plan.gap ?? [0, 0];
    const inside = [Math.floor(from * samples), Math.floor(to * samples)] as const;
    const within = inside[1] > inside[0] ? [[startSample + inside[0], inside[1] - inside[0]] as const] : [];
    const startMs = session.startMs + startSample / samplesPerMs;
    const { sidecar } = finishedSegment();
    const finished = finishedSegment({
      ...{ hwid: session.hwid, session: `w${at}`, index },
      sidecar: {
        name: `w${at}-${index}`,
        stream_id: session.streamId,
        ...{ start_sample: startSample, samples, recovered: plan.isRecovered },
        gaps: [...front, ...within].map(([start_sample, count], seq) => ({
          ...{ from_seq: seq, to_seq: seq + 1, start_sample, samples: count, estimated: false, cause: plan.cause },
        })),
        levels:
          plan.rmsDbfs === undefined || sidecar.levels === null
            ? null
            : { ...sidecar.levels, rms_dbfs: plan.rmsDbfs, peak_dbfs: plan.rmsDbfs + 3 },
        time: {
          ...sidecar.time,
          ...{ session_start_ms: session.startMs, start_ms: startMs, end_ms: startMs + plan.lengthMs },
        },
      },
    });
    made.push({ finished, plan, startMs, endMs: startMs + plan.lengthMs });
    startSample += samples;
  }
  return made;
}

/** Writes the world into a catalogue. @returns its segments, in the order in which they were added */
export async function writeWorld(catalog: Catalog, plans: readonly SessionPlan[]): Promise<readonly ModelSegment[]> {
  const segments = plans.flatMap(build);
  await Promise.all(
    segments.map(({ finished, plan }) =>
      catalog.addSegment(finished, plan.uploads === "none" ? [] : ["bin", "json"], { isBackfill: false }),
    ),
  );
  const planOf = new Map(segments.map(({ finished, plan }) => [finished.sidecar.name, plan]));
  for (const { id, fileName, kind } of catalog.uploads.claim(10_000, Number.MAX_SAFE_INTEGER)) {
    const fate = planOf.get(fileName.slice(0, fileName.lastIndexOf(".")))?.uploads;
    if (fate === "stored") catalog.uploads.markStored([{ id, key: fileName, etag: "e", storedMs: 1 }]);
    else if (fate === "failed" && kind === "bin") {
      catalog.uploads.markFailed(id, { code: "UPLOAD_FAILED", reason: "503", nextTryMs: 1 });
    } else catalog.uploads.release([id]);
  }
  for (const [at, { endedMs }] of plans.entries())
    if (endedMs !== undefined) await catalog.endSession(`w${at}`, endedMs);
  return segments;
}
