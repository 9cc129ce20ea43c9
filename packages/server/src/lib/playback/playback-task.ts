import { type DrawnAudio, drawPeaks, drawSpectrogram, type OverviewGrid, OverviewMeter } from "@eet/audio";
import {
  type BinMarks,
  decodeSamples,
  indexBin,
  type MarksRequest,
  markFrames,
  type SamplesRequest,
} from "../finishing/segment-samples.ts";
import { foldRows, type UnfoldedRows } from "./fold-rows.ts";
import { measureOpenAudio, type OpenAudio, type OpenAudioRequest } from "./open-audio.ts";
import { formatPngRows, type LevelGrid } from "./png-format.ts";
import { levelsOf, type PowerSums } from "./spectrum-columns.ts";

/** What is done in a thread: all that touches samples one by one. Plain and serialisable. */
export type PlaybackTask =
  | ({ readonly kind: "decode" } & SamplesRequest)
  | ({ readonly kind: "index" } & Omit<MarksRequest, "from">)
  | ({ readonly kind: "marks" } & MarksRequest)
  | ({ readonly kind: "open" } & OpenAudioRequest)
  | ({ readonly kind: "levels" } & PowerSums)
  | ({ readonly kind: "fold" } & UnfoldedRows)
  | ({ readonly kind: "png" } & LevelGrid)
  | { readonly kind: "overview"; readonly audio: DrawnAudio; readonly grid: OverviewGrid }
  | { readonly kind: "peaks"; readonly audio: DrawnAudio; readonly width: number }
  | { readonly kind: "spectrogram"; readonly audio: DrawnAudio; readonly width: number; readonly binCount: number };

/** What tasks give: samples, levels, places of frames, or what the last segments of a session hold. Plain and serialisable. */
export type PlaybackResult = Int16Array | Uint8Array | BinMarks | OpenAudio | null;

/** Does a task. */
export function runPlaybackTask(task: PlaybackTask): readonly PlaybackResult[] {
  if (task.kind === "decode") return [decodeSamples(task)];
  if (task.kind === "index") return [indexBin(task)];
  if (task.kind === "marks") return [markFrames(task)];
  if (task.kind === "open") return [measureOpenAudio(task)];
  if (task.kind === "levels") return [levelsOf(task)];
  if (task.kind === "fold") return [foldRows(task)];
  if (task.kind === "png") return [formatPngRows(task)];
  if (task.kind === "peaks") return drawPeaks(task.audio, task.width);
  if (task.kind === "spectrogram") return [drawSpectrogram(task.audio, task.width, task.binCount)];
  return measureOverview(task.audio, task.grid);
}

function measureOverview({ samples, channels, missing }: DrawnAudio, grid: OverviewGrid): [Int16Array, Uint8Array] {
  const sampleCount = samples.length / channels;
  const meter = new OverviewMeter(grid, sampleCount);
  let at = 0;
  for (const [from, to] of missing) {
    meter.push(samples.subarray(at * channels, from * channels));
    meter.skip(to - from);
    at = to;
  }
  meter.push(samples.subarray(at * channels));
  const { peaks, columns } = meter.finish();
  return [peaks, columns];
}
