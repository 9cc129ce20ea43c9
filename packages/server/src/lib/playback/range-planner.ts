import { setImmediate as nextTurn } from "node:timers/promises";
import type { CatalogReader, GapRow, SegmentPlace, SegmentsFilter } from "../catalog/catalog-reader.ts";
import { RequestError } from "../kernel/errors.ts";
import { type HeardRuns, resolveOverlaps } from "./heard-runs.ts";
import { findMissing, type PlacedGap } from "./missing-runs.ts";
import type { RangePlan } from "./range-plan.ts";
import { assertOneFormat, assertOneStream, emptyRangeError } from "./range-refusals.ts";
import type { RangeRequest, SampleRange, TimeRange } from "./range-request.ts";
import { gridIndexAt } from "./sample-grid.ts";
import { SegmentRuns } from "./segment-runs.ts";

/** Longest range. */
export const maxRangeMs: number = 31 * 24 * 60 * 60 * 1000;
/** Holes and gaps of a range: what a plan is made of, so that its memory is bounded. */
const maxPieceCount = 100_000;
/** Segments that are looked up in one turn of the event loop: a ms or two. */
const pageSize = 100;
/** Rounding to the grid moves a session by less: what lies that far outside may still reach in. */
const slackMs = 1;

/** Looks ranges up in the catalogue. */
export class RangePlanner {
  readonly #reader: CatalogReader;

  constructor(reader: CatalogReader) {
    this.#reader = reader;
  }

  /** @throws RequestError as `Playback` tells */
  async plan(request: RangeRequest, limitMs: number = maxRangeMs): Promise<RangePlan> {
    const { range } = request;
    const found =
      "session" in range
        ? await this.#findSamples(request, range, limitMs)
        : await this.#findTimes(request, range, limitMs);
    const { runs: segments, from, to, gaps } = found;
    const { first } = segments;
    const heard: HeardRuns = first === undefined ? { runs: [], hasOverlap: false } : resolveOverlaps(segments.runs);
    if (first === undefined || heard.runs.length === 0) throw await emptyRangeError(this.#reader, request);
    const missing = findMissing({ from, to, runs: heard.runs, gaps });
    if (missing.length > maxPieceCount) throw tooManyPieces();
    return {
      hwid: request.hwid,
      streamId: first.streamId,
      sampleRateHz: first.format.sampleRateHz,
      channels: first.format.channels,
      from,
      to,
      runs: heard.runs,
      missing,
      hasOverlap: heard.hasOverlap,
      known: segments.known,
      evicted: segments.evicted,
      sources: segments.sources,
    };
  }

  async #findTimes(request: RangeRequest, { fromMs, toMs }: TimeRange, limitMs: number): Promise<FoundRange> {
    assertTimes(fromMs, toMs, limitMs);
    const { hwid, streamId, session } = request;
    const filter = {
      hwid,
      ...(streamId !== undefined && { streamId }),
      ...(session !== undefined && { session }),
      fromMs: fromMs - slackMs,
      toMs: toMs + slackMs,
    };
    const pages = this.#segmentPages(filter);
    const segments = new SegmentRuns((rateHz) => [gridIndexAt(fromMs, rateHz), gridIndexAt(toMs, rateHz)]);
    const gaps = await this.#collect(pages, segments);
    assertOneStream(segments, request);
    assertOneFormat(segments, request);
    const rateHz = segments.first?.format.sampleRateHz ?? 1;
    const [from, to] = [gridIndexAt(fromMs, rateHz), gridIndexAt(toMs, rateHz)];
    return { runs: segments, from, to, gaps };
  }

  async #findSamples(request: RangeRequest, range: SampleRange, limitMs: number): Promise<FoundRange> {
    const { session, fromSample, toSample } = range;
    const isWhole = Number.isSafeInteger(fromSample) && Number.isSafeInteger(toSample);
    if (!isWhole || fromSample < 0 || toSample <= fromSample) {
      throw new RequestError(
        "RANGE_INVALID",
        `a range of samples is [from, to) in whole numbers from 0 on; got ${fromSample} to ${toSample}`,
      );
    }
    const row = await this.#reader.session(session);
    const isMeant = row?.hwid === request.hwid && (request.streamId ?? row.streamId) === row.streamId;
    if (row === undefined || !isMeant) throw await emptyRangeError(this.#reader, request);
    const { sampleRateHz } = row.format;
    assertTimes(0, ((toSample - fromSample) * 1000) / sampleRateHz, limitMs);
    const origin = gridIndexAt(row.startMs, sampleRateHz);
    const [from, to] = [origin + fromSample, origin + toSample];
    const segments = new SegmentRuns(() => [from, to]);
    const gaps = await this.#collect(this.#sessionPages(range), segments);
    return { runs: segments, from, to, gaps };
  }

  async #collect(pages: AsyncIterable<readonly SegmentPlace[]>, segments: SegmentRuns): Promise<readonly PlacedGap[]> {
    const gaps: PlacedGap[] = [];
    for await (const page of pages) {
      const lossy = page.filter((segment) => segments.add(segment) && segment.hasGaps);
      if (lossy.length > 0) {
        const origins = new Map(lossy.map((segment) => [segment.session, originOf(segment)]));
        const rows = await this.#reader.gapsOf(lossy.map(({ id }) => id));
        gaps.push(...rows.map((row) => placeGap(row, origins.get(row.session) ?? 0)));
      }
      if (segments.runs.length + gaps.length > maxPieceCount) throw tooManyPieces();
      // The catalogue answers at once: without this nothing else would be done until the whole range is looked up.
      await nextTurn();
    }
    return gaps;
  }

  async *#segmentPages(filter: Omit<SegmentsFilter, "limit">): AsyncGenerator<readonly SegmentPlace[]> {
    for (let after: SegmentsFilter["after"]; ; ) {
      const page = await this.#reader.segmentPlaces({
        ...filter,
        limit: pageSize,
        ...(after !== undefined && { after }),
      });
      yield page.rows;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  async *#sessionPages({ session, fromSample, toSample }: SampleRange): AsyncGenerator<readonly SegmentPlace[]> {
    for (let at = fromSample; at < toSample; ) {
      const rows = await this.#reader.segmentsAt(session, { fromSample: at, toSample, limit: pageSize });
      yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageSize) return;
      at = last.startSample + last.sampleCount;
    }
  }
}

interface FoundRange {
  readonly runs: SegmentRuns;
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly PlacedGap[];
}

function originOf({ sessionStartMs, format }: SegmentPlace): number {
  return gridIndexAt(sessionStartMs, format.sampleRateHz);
}

function placeGap({ session, startSample, sampleCount, cause }: GapRow, origin: number): PlacedGap {
  return { session, from: origin + startSample, to: origin + startSample + sampleCount, cause };
}

function assertTimes(fromMs: number, toMs: number, limitMs: number): void {
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs) || toMs <= fromMs) {
    throw new RequestError("RANGE_INVALID", `the range ends at ${toMs}, which is not after its start at ${fromMs}`);
  }
  if (toMs - fromMs <= limitMs) return;
  const hours = (ms: number) => Math.round(ms / 360_000) / 10;
  throw new RequestError(
    "RANGE_INVALID",
    `the range is ${hours(toMs - fromMs)} h long; at most ${hours(limitMs)} h are given at once`,
  );
}

function tooManyPieces(): RequestError {
  return new RequestError(
    "RANGE_INVALID",
    `the range has more than ${maxPieceCount} gaps and holes; ask for a shorter one`,
  );
}
