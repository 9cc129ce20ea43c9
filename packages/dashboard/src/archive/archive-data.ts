import type { Segment, Timeline } from "@eet/server/api-types";
import { ApiError, apiPath, checkAnswer, readApi } from "../api/api-client.ts";
import type { TimeSpan } from "./time-view.ts";
import { type AudioStretch, firstStretch, lengthOf } from "./time-view.ts";

/** Longest span whose waveform is drawn from samples or their overviews; longer ones show levels. */
export const maxPeaksMs: number = 3 * 3_600_000;
/** Longest span whose spectrum is drawn. */
export const maxSpectrumMs: number = 30 * 60_000;
const maxColumnCount = 2_048;
/** Rows of the spectrogram. */
export const spectrumRowCount = 128;

/** What was recorded in a span, as far as it was read. */
export interface ArchivePicture {
  readonly span: TimeSpan;
  readonly timeline: Timeline;
  /** Smallest and largest sample of each column, of all channels; `undefined`: levels are shown instead. */
  readonly peaks: readonly (number | null)[] | undefined;
  /** Levels column by column, {@link spectrumRowCount} each. */
  readonly spectrum: Uint8Array | undefined;
  /** Of the spectrum's top row; 0: there is none. */
  readonly highestHz: number;
  /** Of what is recorded first in it; `undefined`: nothing. */
  readonly sampleRateHz: number | undefined;
  /** Why waveform or spectrum cannot be shown; `undefined`: they can, or are not asked for. */
  readonly failure: unknown;
}

/** A range that retention leaves alone. */
export interface Pin extends TimeSpan {
  readonly id: number;
  readonly note: string | null;
}

/** Whose recordings are meant. */
export interface ArchiveSource {
  readonly hwid: string;
  /** `undefined`: the device has one stream. */
  readonly streamId: number | undefined;
}

/**
 * Reads what a window of some width shows. Nothing recorded is no error, and neither is a refusal of waveform or spectrum.
 *
 * @param onTimeline - told what lies where before it is drawn in detail
 */
export async function readPicture(
  { hwid, streamId }: ArchiveSource,
  span: TimeSpan,
  widthPx: number,
  signal: AbortSignal,
  onTimeline: (picture: ArchivePicture) => void,
): Promise<ArchivePicture> {
  const path = `/devices/${hwid}`;
  const bounds = { from: Math.max(0, Math.floor(span.fromMs)), to: Math.ceil(span.toMs), stream: streamId };
  const width = Math.min(maxColumnCount, Math.max(64, Math.round(widthPx)));
  const resolution = Math.max(1, lengthOf(span) / 1000 / Math.min(width, 600)).toFixed(3);
  const [timeline, first] = await Promise.all([
    readApi<Timeline>(`${path}/timeline`, { ...bounds, resolution }, signal),
    findAudio({ hwid, streamId }, { fromMs: bounds.from, maxHoleMs: 0 }, signal),
  ]);
  // Asking for a picture of nothing would be an error.
  const isEmpty = first === undefined || first.fromMs >= bounds.to;
  const picture = {
    ...{
      span: { fromMs: bounds.from, toMs: bounds.to },
      timeline,
      peaks: undefined,
      failure: undefined,
      ...noSpectrum,
    },
    sampleRateHz: isEmpty ? undefined : first.sampleRateHz,
  };
  onTimeline(picture);
  const [peaks, spectrum] = await Promise.allSettled([
    isEmpty || lengthOf(span) > maxPeaksMs ? undefined : readPeaks(path, { ...bounds, width }, signal),
    isEmpty || lengthOf(span) > maxSpectrumMs ? undefined : readSpectrum(path, { ...bounds, width }, signal),
  ]);
  signal.throwIfAborted();
  return {
    ...picture,
    peaks: peaks.status === "fulfilled" ? peaks.value : undefined,
    ...((spectrum.status === "fulfilled" ? spectrum.value : undefined) ?? noSpectrum),
    failure: [peaks, spectrum].find((one) => one.status === "rejected")?.reason,
  };
}

/** Segments that are looked at for a stretch. */
const stretchSegmentCount = 40;

/**
 * The first stretch of one format that is recorded at or after a moment, as far as a few segments tell; `undefined`: there
 * is none.
 *
 * @param maxHoleMs - a shorter time without recording belongs to it
 */
export async function findAudio(
  { hwid, streamId }: ArchiveSource,
  { fromMs, maxHoleMs }: { readonly fromMs: number; readonly maxHoleMs: number },
  signal?: AbortSignal,
): Promise<AudioStretch | undefined> {
  const query = { hwid, stream: streamId, from: fromMs, limit: stretchSegmentCount };
  const { segments } = await readApi<{ readonly segments: readonly Segment[] }>("/segments", query, signal);
  return firstStretch(
    segments.map(({ start, end, format }) => ({
      ...{ fromMs: Date.parse(start), toMs: Date.parse(end) },
      ...{ sampleRateHz: format.sample_rate_hz, channels: format.channels },
    })),
    fromMs,
    maxHoleMs,
  );
}

/** Ranges of a device that are pinned. */
export async function readPins(hwid: string): Promise<readonly Pin[]> {
  const { pins } = await readApi<{ readonly pins: readonly PinRow[] }>(`/devices/${hwid}/pins`);
  return pins.map(({ id, from, to, note }) => ({ id, note, fromMs: Date.parse(from), toMs: Date.parse(to) }));
}

interface PinRow {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly note: string | null;
}

const noSpectrum = { spectrum: undefined, highestHz: 0 };

type Bounds = Readonly<Record<"from" | "to" | "width", number>> & { readonly stream: number | undefined };

async function readPeaks(path: string, bounds: Bounds, signal: AbortSignal) {
  const answer = await orEmpty(() =>
    readApi<{ readonly peaks: readonly (readonly (number | null)[])[] }>(`${path}/peaks`, bounds, signal),
  );
  return answer && joinPeaks(answer.peaks);
}

/** One waveform of all channels: the smallest and the largest of them. */
export function joinPeaks(channels: readonly (readonly (number | null)[])[]): readonly (number | null)[] {
  const [first = [], ...rest] = channels;
  return first.map((value, at) => {
    const extreme = at % 2 === 0 ? Math.min : Math.max;
    return rest.reduce<number | null>((most, channel) => {
      const other = channel[at] ?? null;
      return most === null || other === null ? (most ?? other) : extreme(most, other);
    }, value);
  });
}

async function readSpectrum(path: string, bounds: Bounds, signal: AbortSignal) {
  const query = { ...bounds, height: spectrumRowCount, format: "raw" };
  const answer = await orEmpty(async () => checkAnswer(await fetch(apiPath(`${path}/spectrogram`, query), { signal })));
  if (answer === undefined) return undefined;
  const spectrum = new Uint8Array(await answer.arrayBuffer());
  return { spectrum, highestHz: Number(answer.headers.get("eet-highest-hz") ?? 0) };
}

/** A span without audio has no picture. */
async function orEmpty<Answer>(read: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ApiError && error.code === "RANGE_EMPTY") return undefined;
    throw error;
  }
}
