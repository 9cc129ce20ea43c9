import type { SegmentPlace } from "../catalog/catalog-reader.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import type { SessionRun } from "./heard-runs.ts";
import { gridIndexAt } from "./sample-grid.ts";

/** Segments of a range that are kept: about three hours of usual ones. */
const maxKnownCount = 1000;

/** Evicted segments that are told. */
const maxEvictedCount = 100;

/** Sessions of a format that are listed. */
const maxListedSessionCount = 5;

/** Format of samples, and when it was recorded. */
export interface FormatSpan {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of this format, by first appearance; the first 5. */
  readonly sessions: readonly string[];
}

/** Puts the segments of a range together to runs without holes. */
export class SegmentRuns {
  readonly #boundsAt: (sampleRateHz: number) => readonly [number, number];
  readonly #runs: SessionRun[] = [];
  /** Index of the newest run of each session. */
  readonly #newest = new Map<string, number>();
  readonly #streamIds = new Set<number>();
  readonly #formats = new Map<string, FormatSpan>();
  #first: { readonly streamId: number; readonly format: RecordFormat } | undefined;
  /** The segments themselves, as long as they are few. */
  readonly #known: SegmentPlace[] = [];
  readonly #evicted: SegmentPlace[] = [];
  #localCount = 0;
  #remoteCount = 0;

  /** @param boundsAt - the range on the sample grid of a rate */
  constructor(boundsAt: (sampleRateHz: number) => readonly [number, number]) {
    this.#boundsAt = boundsAt;
  }

  /** Of the first segment in the range. */
  get first(): { readonly streamId: number; readonly format: RecordFormat } | undefined {
    return this.#first;
  }

  get runs(): readonly SessionRun[] {
    return this.#runs;
  }

  get streamIds(): readonly number[] {
    return [...this.#streamIds];
  }

  /** Formats by first appearance. */
  get formats(): readonly FormatSpan[] {
    return [...this.#formats.values()];
  }

  /** All segments; `undefined` when there are too many to be kept. */
  get known(): readonly SegmentPlace[] | undefined {
    return this.#known.length > maxKnownCount ? undefined : this.#known;
  }

  /** Segments whose local files were deleted; the first 100. */
  get evicted(): readonly SegmentPlace[] {
    return this.#evicted;
  }

  get sources(): { readonly local: number; readonly remote: number } {
    return { local: this.#localCount, remote: this.#remoteCount };
  }

  /** Takes segments, those of a session in order. @returns false for one that lies outside of the range */
  add(segment: SegmentPlace): boolean {
    const { session, format, streamId, startSample, sampleCount, sessionStartMs } = segment;
    const origin = gridIndexAt(sessionStartMs, format.sampleRateHz);
    const [rangeFrom, rangeTo] = this.#boundsAt(format.sampleRateHz);
    const from = Math.max(origin + startSample, rangeFrom);
    const to = Math.min(origin + startSample + sampleCount, rangeTo);
    if (to <= from) return false;
    this.#first ??= { streamId, format };
    this.#streamIds.add(streamId);
    this.#noteFormat(segment);
    if (this.#known.length <= maxKnownCount) this.#known.push(segment);
    if (segment.evictedMs === null) this.#localCount += 1;
    else {
      this.#remoteCount += 1;
      if (this.#evicted.length < maxEvictedCount) this.#evicted.push(segment);
    }
    this.#extend({ session, origin, from, to });
    return true;
  }

  #extend(run: SessionRun): void {
    const index = this.#newest.get(run.session);
    const newest = index === undefined ? undefined : this.#runs[index];
    if (index !== undefined && newest !== undefined && run.from <= newest.to) {
      this.#runs[index] = { ...newest, to: Math.max(newest.to, run.to) };
    } else {
      this.#newest.set(run.session, this.#runs.length);
      this.#runs.push(run);
    }
  }

  #noteFormat({ format: { sampleRateHz, channels }, session, startMs, endMs }: SegmentPlace): void {
    const key = `${sampleRateHz}/${channels}`;
    const known = this.#formats.get(key);
    this.#formats.set(key, {
      sampleRateHz,
      channels,
      fromMs: Math.min(known?.fromMs ?? startMs, startMs),
      toMs: Math.max(known?.toMs ?? endMs, endMs),
      sessions: known === undefined ? [session] : withSession(known.sessions, session),
    });
  }
}

/** The same list where it does not grow: it is asked of each segment. */
function withSession(sessions: readonly string[], session: string): readonly string[] {
  if (sessions.length >= maxListedSessionCount || sessions.includes(session)) return sessions;
  return [...sessions, session];
}
