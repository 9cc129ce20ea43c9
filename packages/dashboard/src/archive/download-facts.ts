import { formatBytes } from "../format/format-amount.ts";
import { type ArchiveSource, findAudio } from "./archive-data.ts";
import { momentIn } from "./describe-span.ts";
import { type AudioStretch, hasSameFormat, lengthOf, type TimeSpan } from "./time-view.ts";

/** Longest range that is given at once. */
const maxRangeMs = 31 * 86_400_000;
/** What the header of a WAV can tell, without what stands around the samples. */
const maxWavBytes = 0xffff_ffff - 4_096;

/** What a range holds, as far as its first segments tell. */
export interface RangeContent {
  /** `undefined`: nothing is recorded from its start on. */
  readonly first: AudioStretch | undefined;
  /** Of another format. */
  readonly next: AudioStretch | undefined;
}

/** What is told of a download before it is begun. */
export interface DownloadFacts {
  /** Why a range cannot be had as WAV; empty: it can. */
  readonly wav: string;
  /** The same of FLAC. */
  readonly flac: string;
  /** Size of the WAV, bytes; `undefined`: there is none. */
  readonly wavBytes: number | undefined;
}

/** Looks at what a range holds. Errors as `readApi`. */
export async function readRangeContent(
  source: ArchiveSource,
  { fromMs }: TimeSpan,
  signal: AbortSignal,
): Promise<RangeContent> {
  const maxHoleMs = Number.POSITIVE_INFINITY;
  const first = await findAudio(source, { fromMs: Math.floor(fromMs), maxHoleMs }, signal);
  if (first === undefined) return { first, next: undefined };
  const next = await findAudio(source, { fromMs: first.toMs, maxHoleMs }, signal);
  return { first, next: next !== undefined && hasSameFormat(first, next) ? undefined : next };
}

/** What of a range can be downloaded, and how large it becomes. */
export function describeDownload(range: TimeSpan, { first, next }: RangeContent): DownloadFacts {
  const refusal = findRefusal(range, first, next);
  if (refusal !== "" || first === undefined) return { wav: refusal, flac: refusal, wavBytes: undefined };
  const wavBytes = Math.round((lengthOf(range) / 1000) * first.sampleRateHz) * first.channels * 2;
  const isTooLarge = wavBytes > maxWavBytes;
  const wav = isTooLarge ? `A WAV holds at most 4.3 GB, and this would be ${formatBytes(wavBytes)}: take FLAC.` : "";
  return { wav, flac: "", wavBytes: isTooLarge ? undefined : wavBytes };
}

function findRefusal(range: TimeSpan, first: AudioStretch | undefined, next: AudioStretch | undefined): string {
  if (first === undefined || first.fromMs >= range.toMs) return "Nothing is recorded in it.";
  if (lengthOf(range) > maxRangeMs) return "At most 31 days are given at once.";
  if (next === undefined || next.fromMs >= range.toMs) return "";
  return `The format changes at ${momentIn(range, next.fromMs)}: select one side of it to download.`;
}
