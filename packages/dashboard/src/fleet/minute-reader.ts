import type { PastMessage, PastRequest, Segment } from "@eet/server/api-types";
import type { Query } from "../api/api-client.ts";
import { flagBits } from "../api/live-frames.ts";
import { historyLength, type LevelHistory, type SecondSpan } from "./level-history.ts";

/** The session that is received of a device. */
export interface FleetStream {
  readonly session: string;
  /** Time of its first sample, by the server's clock. */
  readonly startMs: number;
  readonly sampleRateHz: number;
}

/** Asks for seconds of what a session received. */
export type PastAsk = Omit<PastRequest, "id">;

/** Whom a {@link MinuteReader} asks. */
export interface MinuteSources {
  /** As `readApi` does, but behind what a person waits for. */
  readApi<Answer>(path: string, query: Query, signal: AbortSignal): Promise<Answer>;
  /** @returns `undefined` when nobody answers */
  askPast(ask: PastAsk, signal: AbortSignal): Promise<PastMessage | undefined>;
  /** How far the server's clock is ahead. */
  clockAheadMs(): number;
}

/** As `GET /devices/{hwid}/peaks` answers. */
interface StoredPeaks {
  /** By channel: min, max of each second in turn. */
  readonly peaks: readonly (readonly (number | null)[])[];
  readonly gaps: readonly { readonly start: string; readonly duration_s: number; readonly cause: string }[];
}

const [lowest, highest] = [-32_768, 32_767];

/** Fills the last minute of devices from what is recorded: nothing is measured of them before somebody looks. */
export class MinuteReader {
  readonly #sources: MinuteSources;
  /** By device: the seconds before it were asked for, and are known or not to be had. */
  readonly #settled = new Map<string, number>();

  constructor(sources: MinuteSources) {
    this.#sources = sources;
  }

  /**
   * Fills what is not known: from the peaks of closed segments, and behind them from what is written of the open one.
   *
   * @returns whether that is all: false when the last of it is not written yet
   * @throws ApiError or TypeError as `readApi` does
   */
  async read(hwid: string, stream: FleetStream, history: LevelHistory, signal: AbortSignal): Promise<boolean> {
    const nowMs = Date.now();
    const to = Math.floor(nowMs / 1000);
    const from = Math.max(to - historyLength + 1, this.#settled.get(hwid) ?? 0);
    history.advance(nowMs);
    if (history.findUnknown({ from, to }) === undefined) return true;
    const newest = await this.#readNewest(hwid, signal);
    const aheadMs = this.#sources.clockAheadMs() + driftMs(stream, newest, nowMs + this.#sources.clockAheadMs());
    const filling = { history, from, to, aheadMs, signal };
    if (newest !== undefined) await this.#fillStored(hwid, newest, filling);
    // What its closed segments lack was not received.
    const closedTo = newest?.session === stream.session ? endSecond(newest, aheadMs) : from;
    const openFrom = Math.min(to, Math.max(from, closedTo));
    const isWhole = await this.#fillPast(hwid, stream, { ...filling, from: openFrom });
    if (!signal.aborted) this.#settled.set(hwid, isWhole ? to : openFrom);
    return isWhole;
  }

  async #readNewest(hwid: string, signal: AbortSignal): Promise<Segment | undefined> {
    const query = { hwid, order: "desc", limit: 1 };
    type Answer = { readonly segments: readonly Segment[] };
    return (await this.#sources.readApi<Answer>("/segments", query, signal)).segments[0];
  }

  async #fillStored(hwid: string, newest: Segment, filling: Filling): Promise<void> {
    const { history, aheadMs, signal } = filling;
    const unknown = history.findUnknown(filling);
    if (unknown === undefined) return;
    const to = Math.min(unknown.to, endSecond(newest, aheadMs));
    const span = { from: unknown.from, to };
    const [fromMs, toMs] = [Math.round(span.from * 1000 + aheadMs), Math.round(to * 1000 + aheadMs)];
    // Asking for peaks of nothing would be an error.
    if (to <= span.from || Date.parse(newest.start) >= toMs) return;
    const query = { from: fromMs, to: toMs, stream: newest.stream_id, width: to - span.from };
    const answer = await this.#sources.readApi<StoredPeaks>(`/devices/${hwid}/peaks`, query, signal);
    if (!signal.aborted) fillFromPeaks(history, answer, span, aheadMs);
  }

  /** @returns whether all of it was written */
  async #fillPast(hwid: string, stream: FleetStream, filling: Filling): Promise<boolean> {
    const { history, aheadMs, signal } = filling;
    const unknown = history.findUnknown(filling);
    if (unknown === undefined || signal.aborted) return true;
    const { session, startMs, sampleRateHz } = stream;
    const sampleAt = (second: number) =>
      Math.max(0, Math.round(((second * 1000 + aheadMs - startMs) * sampleRateHz) / 1000));
    const [from_sample, to_sample] = [sampleAt(unknown.from), sampleAt(unknown.to)];
    if (to_sample <= from_sample) return true;
    const range = { session, from_sample, to_sample, spectrum_bins: 0 } as const;
    const answer = await this.#sources.askPast({ type: "past", hwid, ...range }, signal);
    if (answer === undefined || signal.aborted) return false;
    for (const [index, { peak_dbfs, flags }] of (answer.seconds ?? []).entries()) {
      // The last one is not written whole.
      if (peak_dbfs === null || from_sample + (index + 1) * sampleRateHz > answer.to_sample) continue;
      const middleMs = startMs - aheadMs + (from_sample / sampleRateHz + index + 0.5) * 1000;
      history.fillSecond(Math.floor(middleMs / 1000), {
        peakDbfs: peak_dbfs,
        isClipped: (flags & flagBits.clipped) !== 0,
        hasGap: (flags & flagBits.gap) !== 0,
      });
    }
    return answer.seconds === undefined || answer.to_sample >= to_sample;
  }
}

/** What is to be filled. */
interface Filling extends SecondSpan {
  readonly history: LevelHistory;
  /** How far times of recordings are ahead of this clock. */
  readonly aheadMs: number;
  readonly signal: AbortSignal;
}

/** Second in which a segment ends: the rest of it is in the next one. */
function endSecond({ end }: Segment, aheadMs: number): number {
  return Math.floor((Date.parse(end) - aheadMs) / 1000);
}

/** Times of recordings go by the device's samples, which over weeks come away from every clock by minutes. */
function driftMs({ session, startMs }: FleetStream, newest: Segment | undefined, serverMs: number): number {
  return newest?.session === session ? ((newest.drift_ppm ?? 0) * (serverMs - startMs)) / 1e6 : 0;
}

/** Fills a span of seconds with stored peaks. */
function fillFromPeaks(history: LevelHistory, answer: StoredPeaks, { from, to }: SecondSpan, aheadMs: number): void {
  const missing = answer.gaps
    .filter(({ cause }) => cause !== "not-recorded")
    .map(({ start, duration_s }) => ({ fromMs: Date.parse(start) - aheadMs, lengthMs: duration_s * 1000 }));
  for (let second = from; second < to; second += 1) {
    const values = answer.peaks.flatMap((channel) =>
      channel.slice((second - from) * 2, (second - from) * 2 + 2).filter((value) => value !== null),
    );
    const magnitude = Math.max(...values.map(Math.abs));
    const startMs = second * 1000;
    history.fillSecond(second, {
      peakDbfs: values.length === 0 ? Number.NaN : magnitudeDbfs(magnitude),
      isClipped: values.some((value) => value === lowest || value === highest),
      hasGap: missing.some(({ fromMs, lengthMs }) => fromMs < startMs + 1000 && fromMs + lengthMs > startMs),
    });
  }
}

const floorDbfs = -120;

function magnitudeDbfs(magnitude: number): number {
  return Math.max(floorDbfs, 20 * Math.log10(magnitude / -lowest));
}
