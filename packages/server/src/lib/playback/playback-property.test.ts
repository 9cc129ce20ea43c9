import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { decodeOnce, placeOnce } from "../finishing/reference-decode.test-support.ts";
import { adpcmFrames, pcmFrames, wobble } from "../finishing/segment-fixture.test-support.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import { startWallMs } from "../recording/recording.test-support.ts";
import { S3ObjectStore } from "../upload/s3-object-store.ts";
import { PlaybackBench, type RecordedSession, readAll, samplesIn, sessionIdAt } from "./playback-bench.test-support.ts";
import { gridIndexAt } from "./sample-grid.ts";

const rates = [4_000, 11_025, 22_050, 44_100];
/** Whatever the rate: what is recorded is short. */
const segmentSampleCount = 1_000;

/** What of a segment's files is there: all, one of them, or objects only. */
const fates = ["whole", "no-wav", "no-bin", "damaged-wav", "remote", "remote-wav", "remote-bin"] as const;

interface Scenario {
  readonly rateHz: number;
  readonly sessions: readonly RecordedSession[];
  readonly fates: readonly (typeof fates)[number][];
  /** In samples, between two of them. */
  readonly ranges: readonly { readonly from: number; readonly length: number; readonly cut: number }[];
}

const session = (channels: number, rateHz: number) =>
  fc
    .record({
      codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
      size: fc.integer({ min: 20, max: 121 }),
      seed: fc.nat(100),
      frameCount: fc.integer({ min: 1, max: 60 }),
      lost: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 30 })), { maxLength: 3 }),
      start: fc.oneof(fc.nat(6_000), fc.double({ min: 0, max: 6_000, noNaN: true })),
      lostAt: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      gapFill: fc.constantFrom("silence" as const, "skip" as const),
    })
    .map(({ codec: wanted, size, seed, frameCount, lost, start, lostAt, gapFill }): RecordedSession => {
      const codec = channels > 1 ? "pcm16" : wanted;
      const format: RecordFormat = { codec, sampleRateHz: rateHz, channels, frameSampleCount: size };
      const samples = wobble(frameCount * size * channels, seed);
      const all = codec === "pcm16" ? pcmFrames(samples, size * channels) : adpcmFrames(samples, size, "low");
      const isLost = (seq: number) => lost.some(([from, count]) => seq >= from && seq < from + count);
      const frames = all.filter(({ seq }, index) => index === 0 || !isLost(seq));
      const recorded = { format, frames, rotateS: segmentSampleCount / rateHz, gapFill };
      const startMs = startWallMs + (start * 1000) / rateHz;
      return { ...recorded, startMs, ...(lostAt !== undefined && { lostAt: Math.min(lostAt, frames.length) }) };
    });

const scenarios: fc.Arbitrary<Scenario> = fc
  .tuple(fc.constantFrom(1, 2), fc.constantFrom(...rates))
  .chain(([channels, rateHz]) =>
    fc.record({
      rateHz: fc.constant(rateHz),
      sessions: fc.array(session(channels, rateHz), { minLength: 1, maxLength: 3 }),
      fates: fc.array(fc.constantFrom(...fates), { minLength: 4, maxLength: 4 }),
      ranges: fc.array(
        fc.record({
          from: fc.double({ min: -800, max: 12_000, noNaN: true }),
          length: fc.double({ min: 1, max: 10_000, noNaN: true }),
          cut: fc.nat(1000),
        }),
        { minLength: 4, maxLength: 6 },
      ),
    }),
  );

interface ModelSample {
  readonly values: readonly number[];
  /** False in a gap that a segment holds. */
  readonly isRecorded: boolean;
}

/** What is heard at each place of the sample grid, by the rules alone: of sessions with a segment there the earliest. */
function model(sessions: readonly RecordedSession[]): ReadonlyMap<number, ModelSample> {
  const heard = new Map<number, ModelSample>();
  const byStart = sessions
    .map((recorded, number) => {
      const origin = gridIndexAt(recorded.startMs, recorded.format.sampleRateHz);
      return { ...recorded, origin, id: sessionIdAt(number, recorded) };
    })
    .sort((a, b) => a.origin - b.origin || (a.id < b.id ? -1 : 1));
  for (const { format, frames, origin } of byStart) {
    const { channels } = format;
    const all = decodeOnce(frames, format, "low");
    for (const placed of placeOnce(frames, format)) {
      const isHole = placed.gapSampleCount > segmentSampleCount;
      const first = isHole ? placed.sample : placed.sample - placed.gapSampleCount;
      for (let at = first; at < placed.sample + placed.sampleCount; at++) {
        if (heard.has(origin + at)) continue;
        const values = all.slice(at * channels, (at + 1) * channels);
        heard.set(origin + at, { values, isRecorded: at >= placed.sample });
      }
    }
  }
  return heard;
}

describe("Playback of random recordings", () => {
  let stub: S3Stub;
  let store: S3ObjectStore;

  before(async () => {
    stub = await S3Stub.start();
    store = new S3ObjectStore({
      provider: "aws",
      bucket: stub.bucket,
      region: stub.region,
      serviceUrl: stub.url,
      forcePathStyle: true,
      credentials: { kind: "static", ...stub.credentials },
    });
  });

  after(async () => {
    store.close();
    await stub.stop();
  });

  /** Takes files away, or into the store. */
  async function befall(bench: PlaybackBench, scenario: Scenario): Promise<void> {
    for (const [index, segment] of bench.segments.entries()) {
      const fate = scenario.fates[index % scenario.fates.length];
      if (fate === "no-wav") await bench.remove(segment, "wav");
      if (fate === "no-bin") await bench.remove(segment, "bin");
      if (fate === "damaged-wav") await truncate(bench.pathOf(segment, "wav"), 100);
      if (fate?.startsWith("remote") !== true) continue;
      const kinds = (["bin", "wav", "json"] as const).filter(
        (kind) => fate === "remote" || kind === "json" || fate === `remote-${kind}`,
      );
      await bench.evict(segment, kinds, (key, bytes) =>
        stub.plant(key, { bytes, contentType: "application/octet-stream", metadata: {} }),
      );
    }
  }

  it("gives, sample for sample, what was streamed, whatever files are gone", async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        await using bench = await PlaybackBench.open(store);
        for (const recorded of scenario.sessions) await bench.record(recorded);
        await befall(bench, scenario);
        const heard = model(scenario.sessions);
        const { channels } = scenario.sessions[0]?.format ?? { channels: 1 };
        const { rateHz } = scenario;
        for (const { from, length, cut } of scenario.ranges) {
          const fromMs = startWallMs + (from * 1000) / rateHz;
          const range = { fromMs, toMs: fromMs + (length * 1000) / rateHz };
          const grid = [gridIndexAt(range.fromMs, rateHz), gridIndexAt(range.toMs, rateHz)] as const;
          const places = Array.from({ length: grid[1] - grid[0] }, (_, index) => grid[0] + index);
          const request = { hwid: "mic", range, format: "raw" } as const;
          if (!places.some((place) => heard.has(place))) {
            await assert.rejects(bench.playback.audio(request), { code: "RANGE_EMPTY" });
            continue;
          }
          const silent = new Array<number>(channels).fill(0);
          const whole = await bench.playback.audio(request);
          const bytes = await readAll(whole);
          assert.equal(whole.byteLength, bytes.length);
          assert.deepEqual(
            samplesIn(bytes),
            places.flatMap((place) => heard.get(place)?.values ?? silent),
          );
          const present = places.filter((place) => heard.get(place)?.isRecorded === true);
          assert.equal(whole.facts.gapSampleCount, places.length - present.length);
          if (present.length > 0) {
            const listed = await bench.playback.audio({ ...request, gaps: "list" });
            assert.deepEqual(
              samplesIn(await readAll(listed)),
              present.flatMap((place) => heard.get(place)?.values ?? []),
            );
          }
          const at = Math.min(cut, bytes.length);
          const parts = [
            await readAll(whole, { start: 0, end: at }),
            await readAll(whole, { start: at, end: bytes.length }),
          ];
          assert.ok(Buffer.concat(parts).equals(bytes), `cut at byte ${at}`);
        }
      }),
      { numRuns: 25 },
    );
  });
});
