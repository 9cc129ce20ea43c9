import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { Page, SegmentRow, SegmentsFilter, SessionRow, TimeKey } from "./catalog-reader.ts";
import { finishedSegment, sessionStartMs } from "./finished-segment.test-support.ts";
import { holdCatalog } from "./held-catalog.test-support.ts";
import { type ModelSegment, worldPlan, writeWorld } from "./recorded-world.test-support.ts";

const live = { isBackfill: false };
const held = holdCatalog();

async function allPages<Row, Key>(read: (after: Key | undefined) => Promise<Page<Row, Key>>): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after: Key | undefined; ; ) {
    const page = await read(after);
    rows.push(...page.rows);
    after = page.next;
    if (after === undefined) return rows;
  }
}

const filterPlan = fc.record({
  hwid: fc.constantFrom("mic-1", null, undefined),
  streamId: fc.constantFrom(1, undefined),
  fromMs: fc.option(fc.integer({ min: -1000, max: 9_000_000 }), { nil: undefined }),
  lengthMs: fc.option(fc.integer({ min: 1, max: 4_000_000 }), { nil: undefined }),
  order: fc.constantFrom("asc" as const, "desc" as const),
  limit: fc.integer({ min: 1, max: 4 }),
  uploadState: fc.constantFrom("none" as const, "pending" as const, "stored" as const, "failed" as const, undefined),
  hasGaps: fc.constantFrom(true, false, undefined),
  isRecovered: fc.constantFrom(true, false, undefined),
  session: fc.constantFrom("w0", undefined, undefined),
});

type FilterPlan = typeof filterPlan extends fc.Arbitrary<infer T> ? T : never;

function rangeOf({ fromMs, lengthMs }: FilterPlan): { fromMs?: number; toMs?: number } {
  const from = fromMs === undefined ? undefined : sessionStartMs + fromMs;
  return {
    ...(from !== undefined && { fromMs: from }),
    ...(lengthMs !== undefined && { toMs: (from ?? sessionStartMs) + lengthMs }),
  };
}

function given<T extends object>(filter: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as never;
}

function fits({ finished: { sidecar }, startMs, endMs, plan }: ModelSegment, filter: FilterPlan): boolean {
  const { fromMs, toMs } = rangeOf(filter);
  return (
    (filter.hwid === undefined || sidecar.hwid === filter.hwid) &&
    (filter.streamId === undefined || sidecar.stream_id === filter.streamId) &&
    (fromMs === undefined || endMs > fromMs) &&
    (toMs === undefined || startMs < toMs) &&
    (filter.session === undefined || sidecar.session === filter.session) &&
    (filter.uploadState === undefined || plan.uploads === filter.uploadState) &&
    (filter.hasGaps === undefined || sidecar.gaps.length > 0 === filter.hasGaps) &&
    (filter.isRecovered === undefined || sidecar.recovered === filter.isRecovered)
  );
}

/** Samples that are missing within a segment. */
function countInside({ start_sample: start, gaps }: Sidecar): number {
  return gaps.reduce((sum, gap) => sum + (gap.start_sample >= start ? gap.samples : 0), 0);
}

describe("CatalogReader.segments", () => {
  it("gives page by page what a walk through all of them would, whatever is asked for", async () => {
    await fc.assert(
      fc.asyncProperty(worldPlan, fc.array(filterPlan, { minLength: 12, maxLength: 12 }), async (world, filters) => {
        await held.renew();
        const segments = await writeWorld(held.catalog, world);
        for (const filter of filters) {
          const { fromMs: _, lengthMs: __, ...rest } = filter;
          const asked: SegmentsFilter = { ...given(rest), ...rangeOf(filter) };
          const found = await allPages<SegmentRow, TimeKey>((after) =>
            held.catalog.reader.segments({ ...asked, ...(after !== undefined && { after }) }),
          );
          const sign = filter.order === "asc" ? 1 : -1;
          const expected = segments
            .map((segment, at) => ({ ...segment, id: at + 1 }))
            .filter((segment) => fits(segment, filter))
            .sort((a, b) => sign * (a.startMs - b.startMs || a.id - b.id));
          assert.deepEqual(
            found.map(({ name }) => name),
            expected.map(({ finished }) => finished.sidecar.name),
          );
          for (const [at, row] of found.entries()) assert.equal(row.uploadState, expected[at]?.plan.uploads);
          assert.deepEqual(
            found.map(({ gapSampleCount, hasGaps }) => [gapSampleCount, hasGaps]),
            expected.map(({ finished: { sidecar } }) => [countInside(sidecar), sidecar.gaps.length > 0]),
          );
        }
      }),
      { numRuns: 25 },
    );
  });

  it("moves no row to another page when others come in", async () => {
    for (const index of [0, 2, 4, 6]) await held.catalog.addSegment(finishedSegment({ index }), [], live);
    const first = await held.catalog.reader.segments({ limit: 2 });
    for (const index of [1, 5]) await held.catalog.addSegment(finishedSegment({ index }), [], live);
    const rest = await allPages<SegmentRow, TimeKey>((after) =>
      held.catalog.reader.segments({ limit: 2, after: after ?? first.next! }),
    );
    assert.deepEqual(
      [...first.rows, ...rest].map(({ index }) => index),
      [0, 2, 4, 5, 6],
    );
  });

  it("tells all of a segment", async () => {
    const gap = { from_seq: 3, to_seq: 5, start_sample: 960, samples: 640, estimated: false } as const;
    const sidecar = { drift_ppm: 4.5, gaps: [{ ...gap, cause: "device-dropped" as const }] };
    await held.catalog.addSegment(finishedSegment({ sidecar }), ["bin"], live);
    await held.catalog.annotations.addPin({
      hwid: "mic-1",
      fromMs: sessionStartMs + 9_999,
      toMs: sessionStartMs + 2e4,
      note: "",
    });
    const { name, files } = finishedSegment().sidecar;
    const found = await held.catalog.reader.segment(1);
    assert.deepEqual(found, {
      ...{ id: 1, session: "s1", index: 0, hwid: "mic-1", streamId: 7, name, folder: "mic-1" },
      format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
      ...{ startMs: sessionStartMs, endMs: sessionStartMs + 10_000, sessionStartMs, startSample: 0 },
      ...{
        sampleCount: 160_000,
        wavSampleCount: 160_000,
        gapSampleCount: 640,
        hasGaps: true,
        frameCount: 500,
        duplicateCount: 0,
      },
      ...{ firstSeq: 0, lastSeq: 499, peakDbfs: -3.5, rmsDbfs: -20.25, silentShare: 0.25, clippedSampleCount: 2 },
      ...{ driftPpm: 4.5, isRecovered: false, closeReason: "rotation", isStored: false, evictedMs: null },
      ...{ uploadState: "pending", isPinned: true },
      files: [
        { kind: "bin", ...files.bin },
        { kind: "wav", ...files.wav },
        { kind: "json", bytes: 1500, sha256: finishedSegment().sidecarSha256 },
      ],
      uploads: [{ kind: "bin", state: "pending", attempts: 0, reason: null, key: null, storedMs: null }],
      gaps: [
        {
          ...{ session: "s1", segmentId: 1, streamId: 7, startMs: sessionStartMs + 60, durationMs: 40 },
          ...{ cause: "device-dropped", fromSeq: 3, toSeq: 5, startSample: 960, sampleCount: 640 },
        },
      ],
    });
    assert.deepEqual(await held.catalog.reader.gapsOf([1, 2]), found?.gaps);
    assert.equal(await held.catalog.reader.segment(2), undefined);
  });

  it("finds the segments that hold some samples of a session", async () => {
    await fc.assert(
      fc.asyncProperty(
        worldPlan,
        fc.nat(200_000_000),
        fc.integer({ min: 1, max: 9_000_000 }),
        async (world, at, count) => {
          await held.renew();
          const segments = (await writeWorld(held.catalog, world)).filter(
            ({ finished }) => finished.sidecar.session === "w0",
          );
          const starts = segments.map(({ finished }) => finished.sidecar.start_sample);
          for (const fromSample of [at, ...starts, ...starts.map((start) => Math.max(0, start - 1))]) {
            const range = { fromSample, toSample: fromSample + count, limit: 99 };
            const found = await held.catalog.reader.segmentsAt("w0", range);
            const expected = segments.filter(
              ({ finished: { sidecar } }) =>
                sidecar.start_sample < range.toSample && sidecar.start_sample + sidecar.samples > fromSample,
            );
            assert.deepEqual(
              found.map(({ startSample }) => startSample),
              expected.map(({ finished }) => finished.sidecar.start_sample),
            );
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe("CatalogReader.sessions", () => {
  it("gives page by page what a walk through all of them would", async () => {
    await fc.assert(
      fc.asyncProperty(worldPlan, fc.array(filterPlan, { minLength: 12, maxLength: 12 }), async (world, filters) => {
        await held.renew();
        const segments = await writeWorld(held.catalog, world);
        for (const filter of filters) {
          const { hwid, streamId, order, limit } = filter;
          const { fromMs, toMs } = rangeOf(filter);
          const asked = { ...given({ hwid, streamId, order, limit }), ...rangeOf(filter) };
          const found = await allPages<SessionRow, TimeKey>((after) =>
            held.catalog.reader.sessions({ ...asked, ...(after !== undefined && { after }) }),
          );
          const sign = order === "asc" ? 1 : -1;
          const expected = world
            .map((plan, at) => ({ ...plan, id: `w${at}` }))
            .filter((plan) => hwid === undefined || plan.hwid === hwid)
            .filter((plan) => streamId === undefined || plan.streamId === streamId)
            .filter((plan) => toMs === undefined || plan.startMs < toMs)
            .filter(
              ({ id, endedMs }) =>
                fromMs === undefined ||
                endedMs === undefined ||
                segments.some(({ finished, endMs }) => finished.sidecar.session === id && endMs > fromMs),
            )
            .sort((a, b) => sign * (a.startMs - b.startMs || (a.id < b.id ? -1 : 1)));
          assert.deepEqual(
            found.map(({ session }) => session),
            expected.map(({ id }) => id),
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it("adds up a session's segments", async () => {
    await held.catalog.addSegment(finishedSegment({ sidecar: { drift_ppm: 1 } }), [], live);
    const gaps = [
      { from_seq: 3, to_seq: 5, start_sample: 160_960, samples: 640, estimated: false, cause: "not-received" as const },
    ];
    await held.catalog.addSegment(finishedSegment({ index: 1, sidecar: { drift_ppm: 2, gaps } }), [], live);
    const later = { ...finishedSegment({ index: 2 }).sidecar, acked: true };
    await held.catalog.addSegment(finishedSegment({ index: 2, sidecar: later }), [], live);
    assert.deepEqual(await held.catalog.reader.session("s1"), {
      ...{ session: "s1", hwid: "mic-1", streamId: 7 },
      format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
      ...{ startMs: sessionStartMs, startRule: "device-synced", startWarning: null, endedMs: null, isAcked: false },
      ...{ segmentCount: 3, sampleCount: 480_000, gapSampleCount: 640, driftPpm: 2 },
    });
    assert.equal(await held.catalog.reader.session("nobody"), undefined);
  });
});

describe("CatalogReader.devices", () => {
  it("lists devices by page, those without id first, and finds them by name, id and tag", async () => {
    for (const hwid of [null, "mic-1", "mic-2", "Porch"]) {
      await held.catalog.addSegment(finishedSegment({ hwid, session: `s-${hwid}`.toLowerCase() }), [], live);
    }
    await held.catalog.annotations.describeDevice("mic-2", { name: "Back Door", tags: ["out", "dry", "out"] });
    const hwids = async (filter: { search?: string; tag?: string }) =>
      (
        await allPages<{ hwid: string | null }, string>((after) =>
          held.catalog.reader.devices({ limit: 1, ...filter, ...(after !== undefined && { after }) }),
        )
      ).map(({ hwid }) => hwid);
    assert.deepEqual(await hwids({}), [null, "Porch", "mic-1", "mic-2"]);
    assert.deepEqual(await hwids({ search: "PORCH" }), ["Porch"]);
    assert.deepEqual(await hwids({ search: "back d" }), ["mic-2"]);
    assert.deepEqual(await hwids({ tag: "dry" }), ["mic-2"]);
    assert.deepEqual(await hwids({ search: "mic" }), ["mic-1", "mic-2"]);
    const device = await held.catalog.reader.device("mic-2");
    assert.deepEqual([device?.name, device?.tags, device?.bytes], ["Back Door", ["out", "dry"], 406_800]);
    assert.equal(await held.catalog.reader.device("nobody"), undefined);
    assert.deepEqual(await held.catalog.reader.streams(null), [{ streamId: 7, lastSeenMs: sessionStartMs + 10_000 }]);
  });
});
