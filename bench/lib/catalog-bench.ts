import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalog } from "../../packages/server/src/lib/catalog/catalog.ts";
import type { SegmentsFilter, TimeKey } from "../../packages/server/src/lib/catalog/catalog-reader.ts";
import { finishedSegment } from "../../packages/server/src/lib/catalog/finished-segment.test-support.ts";
import { openCatalog } from "../../packages/server/src/lib/catalog/sqlite-catalog.ts";
import { systemClock } from "../../packages/server/src/lib/kernel/clock.ts";
import { silentLog } from "../../packages/server/src/lib/kernel/log.ts";
import { goals } from "../goals.ts";
import { type CatalogPlan, fillCatalog, fleetHwid, planCatalog, yearHwid } from "./catalog-fill.ts";
import { type BenchResult, type Figure, meetsGoal } from "./figure.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export interface CatalogBenchOptions {
  readonly segmentCount: number;
  /** Folder to keep the catalogue in, or to take it from; default: a temporary one that is removed. */
  readonly keepFolder: string | undefined;
}

/** Spread of some measurements, ms. */
interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

async function measure(count: number, work: () => Promise<unknown>): Promise<Spread> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const startMs = performance.now();
    await work();
    times.push(performance.now() - startMs);
  }
  return spreadOf(times);
}

/** The questions that a busy dashboard asks, each with other places every time. */
function questions({ reader }: Catalog, plan: CatalogPlan): Readonly<Record<string, () => Promise<unknown>>> {
  const { endMs, yearSegmentCount, segmentCount, fleetDeviceCount } = plan;
  const yearMs = yearSegmentCount * 10_000;
  const fleetMs = ((segmentCount - yearSegmentCount) / fleetDeviceCount) * 10_000;
  const within = (spanMs: number) => endMs - Math.random() * spanMs;
  const someHwid = () => fleetHwid(Math.floor(Math.random() * fleetDeviceCount));
  const list = (filter: Partial<SegmentsFilter>) => reader.segments({ limit: 100, ...filter });
  const deep = (startMs: number): TimeKey => ({ startMs, id: Math.floor(Math.random() * segmentCount) });
  const minute = (startMs: number) => ({ fromMs: startMs, toMs: startMs + 60_000 });
  const timeline = (hwid: string, spanMs: number, resolutionMs: number, backMs: number) => {
    const toMs = within(backMs);
    return reader.timeline({ hwid, fromMs: toMs - spanMs, toMs, resolutionMs });
  };
  return {
    "devices, a page of 100": () => reader.devices({ limit: 100, after: someHwid() }),
    "sessions of a device in a day": () =>
      reader.sessions({ hwid: yearHwid, fromMs: within(yearMs), toMs: within(yearMs) + dayMs, limit: 100 }),
    "segments, first page of all": () => list({}),
    "segments, newest first": () => list({ order: "desc" }),
    "segments, deep page of all": () => list({ after: deep(within(fleetMs)) }),
    "segments of a device, deep page": () => list({ hwid: yearHwid, after: deep(within(yearMs)) }),
    "segments of a device from a time": () => list({ hwid: someHwid(), fromMs: within(fleetMs) }),
    "segments of all from a time": () => list({ fromMs: within(fleetMs) }),
    "segments of a session": () =>
      list({ session: `y-${String(Math.floor(Math.random() * (yearSegmentCount / 360))).padStart(6, "0")}` }),
    "segments with gaps, of all": () => list({ hasGaps: true, after: deep(within(fleetMs)) }),
    "segments with gaps, of a device": () => list({ hwid: yearHwid, hasGaps: true, after: deep(within(yearMs)) }),
    "segments recovered, newest first": () => list({ isRecovered: true, order: "desc" }),
    "segments whose upload failed": () => list({ uploadState: "failed" }),
    "segments stored, deep page": () => list({ uploadState: "stored", after: deep(within(yearMs)) }),
    "segments never queued (none)": () => list({ uploadState: "none", after: deep(within(yearMs)) }),
    "range of 1 minute, year device": () => list({ hwid: yearHwid, ...minute(within(yearMs)) }),
    "range of 1 minute, fleet device": () => list({ hwid: someHwid(), ...minute(within(fleetMs)) }),
    "time line of an hour, by 10 s": () => timeline(yearHwid, hourMs, 10_000, yearMs),
    "time line of a day, by minutes": () => timeline(yearHwid, dayMs, 60_000, yearMs),
    "time line of a month, by hours": () => timeline(yearHwid, 30 * dayMs, hourMs, yearMs),
    "time line of a month, by 30 min": () => timeline(yearHwid, 30 * dayMs, hourMs / 2, yearMs),
    "time line of a year, by days": () => timeline(yearHwid, 365 * dayMs, dayMs, 1),
    "time line of a year, as fine as it gets": () => timeline(yearHwid, 365 * dayMs, 1, 1),
    "a segment with its details": () => reader.segment(1 + Math.floor(Math.random() * segmentCount)),
  };
}

/** What a run of retention asks, page by page, while the server goes on. */
function retentionQuestions(catalog: Catalog, plan: CatalogPlan): Readonly<Record<string, () => Promise<unknown>>> {
  const { retention } = catalog;
  const { endMs, yearSegmentCount, segmentCount, fleetDeviceCount } = plan;
  const someHwid = () => fleetHwid(Math.floor(Math.random() * fleetDeviceCount));
  const deep = () => ({
    keptFromMs: endMs - Math.random() * yearSegmentCount * 10_000,
    id: Math.floor(Math.random() * segmentCount),
  });
  const limit = 500;
  return {
    "retention: usage, a page of devices": async () => retention.usage({ limit, after: someHwid() }),
    "retention: totals of all devices": async () => retention.totals(),
    "retention: oldest stored of a device": async () =>
      retention.localSegments({ hwid: someHwid(), isStored: true, limit }),
    "retention: stored of a device, deep page": async () =>
      retention.localSegments({ hwid: yearHwid, isStored: true, limit, after: deep() }),
    "retention: not stored of a device": async () =>
      retention.localSegments({ hwid: yearHwid, isStored: false, limit }),
    "retention: stored of all, deep page": async () =>
      retention.localSegments({ isStored: true, limit, after: deep() }),
    "retention: not stored of all": async () => retention.localSegments({ isStored: false, limit }),
    "retention: bytes of the last hour": async () => retention.recentBytes(endMs - hourMs),
    "retention: oldest to evict": () => catalog.evictableSegments({ limit }),
  };
}

function formatRow(name: string, { p50, p95, max }: Spread, note = ""): string {
  const figure = (ms: number) => ms.toFixed(2).padStart(9);
  return `${name.padEnd(42)}${figure(p50)}${figure(p95)}${figure(max)}  ${note}`;
}

/** Adds segments as a busy server does: by the batch. */
async function measureAdding(catalog: Catalog, count: number): Promise<Figure> {
  const times: number[] = [];
  const batchCount = 100;
  const startMs = performance.now();
  for (let batch = 0; batch < count / batchCount; batch++) {
    const batchMs = performance.now();
    const adds = Array.from({ length: batchCount }, (_, at) => {
      const segment = finishedSegment({ hwid: fleetHwid(at), session: `bench${at}`, index: batch });
      return catalog.addSegment(segment, ["bin", "json"], { isBackfill: false });
    });
    await Promise.all(adds);
    times.push(performance.now() - batchMs);
  }
  const rate = count / ((performance.now() - startMs) / 1000);
  console.log(formatRow(`commit of ${batchCount} new segments`, spreadOf(times), `${Math.round(rate)} segments/s`));
  return { name: "catalog: new segments", value: rate, unit: "1/s", better: "more" };
}

async function ask(path: string, plan: CatalogPlan): Promise<BenchResult> {
  const catalog = await openCatalog({ path, log: silentLog, clock: systemClock });
  try {
    console.log(`${"".padEnd(42)}${"p50 ms".padStart(9)}${"p95 ms".padStart(9)}${"max ms".padStart(9)}`);
    const failed: string[] = [];
    const figures: Figure[] = [];
    const title = `catalog of ${plan.segmentCount}`;
    const asked = { ...questions(catalog, plan), ...retentionQuestions(catalog, plan) };
    for (const [name, work] of Object.entries(asked)) {
      const spread = await measure(200, work);
      const figure: Figure = {
        ...{ name: `${title}: ${name}, p95`, value: spread.p95, unit: "ms", better: "less" },
        goal: goals.catalogP95Ms,
      };
      figures.push(figure);
      if (meetsGoal(figure) !== true) failed.push(name);
      console.log(formatRow(name, spread, meetsGoal(figure) === true ? "" : `above ${goals.catalogP95Ms} ms`));
    }
    figures.push(await measureAdding(catalog, 10_000));
    console.log(
      failed.length === 0
        ? `every p95 is within ${goals.catalogP95Ms} ms`
        : `p95 above ${goals.catalogP95Ms} ms: ${failed.join("; ")}`,
    );
    return { figures, isSound: failed.length === 0 };
  } finally {
    await catalog.close();
  }
}

/**
 * Makes a catalogue of many segments and asks it what a dashboard asks. Sound when every p95 stays below its bound.
 */
export async function benchCatalog({ segmentCount, keepFolder }: CatalogBenchOptions): Promise<BenchResult> {
  const plan = planCatalog(segmentCount);
  const folder = keepFolder ?? (await mkdtemp(join(tmpdir(), "eet-bench-catalog-")));
  await mkdir(folder, { recursive: true });
  const path = join(folder, `catalog-${segmentCount}.db`);
  try {
    if (!existsSync(path)) {
      const startMs = performance.now();
      await fillCatalog(path, plan, (step) => {
        console.log(`${Math.round((performance.now() - startMs) / 1000)} s: ${step}`);
      });
      const { size } = await stat(path);
      const seconds = Math.round((performance.now() - startMs) / 1000);
      console.log(`${segmentCount} segments of 1 000 devices in ${seconds} s, ${(size / 2 ** 30).toFixed(1)} GiB`);
    }
    return await ask(path, plan);
  } finally {
    if (keepFolder === undefined) await rm(folder, { recursive: true });
  }
}
