import { type Overview, type OverviewGrid, overviewGrid } from "@eet/audio";
import type { CatalogReader, SegmentPlace } from "../catalog/catalog-reader.ts";
import { overviewFilePath, readOverview, tryToWriteOverview } from "../finishing/overview-store.ts";
import type { Log } from "../kernel/log.ts";
import { removeFile } from "../storage/durable-file-store.ts";
import type { PlaybackThreads } from "./playback-threads.ts";
import { RecentValues } from "./recent-values.ts";
import { concatSamples, samplesOf } from "./sample-bytes.ts";
import type { SegmentAudio } from "./segment-audio.ts";

/** Bytes of overviews that are kept in memory: about 8 h of one channel at any rate. */
const maxKeptBytes = 32 * 1024 * 1024;
/** What is measured at once. */
const maxMeasuredBytes = 4 * 1024 * 1024;

export interface OverviewSourceOptions {
  readonly reader: Pick<CatalogReader, "gapsOf" | "segment">;
  /** `data/overview` */
  readonly overviewPath: string;
  readonly audio: SegmentAudio;
  readonly threads: PlaybackThreads;
  readonly log: Log;
  /** Default: what is measured is stored always. */
  readonly keeper?: OverviewKeeper;
}

/** Who watches over the room that overviews take. */
export interface OverviewKeeper {
  /** Whether what is measured may be stored. */
  mayStore(): boolean;
  /** Told of each one that is. */
  noteStored(segment: SegmentPlace): void;
}

/** Overviews of segments: those that were stored when the segments were closed, and others measured now. */
export class OverviewSource {
  readonly #options: OverviewSourceOptions;
  /** By id of the segment. */
  readonly #kept = new RecentValues<Overview>(
    maxKeptBytes,
    ({ peaks, columns }) => peaks.byteLength + columns.byteLength,
  );

  constructor(options: OverviewSourceOptions) {
    this.#options = options;
  }

  /** @throws StorageError `AUDIO_UNAVAILABLE` when none is stored and the audio cannot be had */
  overviewOf(segment: SegmentPlace): Promise<Overview> {
    return this.#kept.get(String(segment.id), () => this.#find(segment));
  }

  async #find(segment: SegmentPlace): Promise<Overview> {
    const { overviewPath } = this.#options;
    const path = overviewFilePath(overviewPath, segment);
    const stored = await readOverview(path);
    if (stored !== undefined && isOf(stored, segment)) return stored;
    const measured = await this.#measure(segment);
    await this.#store(segment, path, measured);
    return measured;
  }

  async #store(segment: SegmentPlace, path: string, overview: Overview): Promise<void> {
    const { reader, keeper, log } = this.#options;
    if (keeper?.mayStore() === false) return;
    if (!tryToWriteOverview(path, overview))
      return log.warn({ path }, "overview not stored: it is measured again when needed");
    // Deleted while it was measured: nobody would look for the file any more. A deletion from now on takes it along.
    if ((await reader.segment(segment.id)) === undefined) await removeFile(path);
    else keeper?.noteStored(segment);
  }

  async #measure(segment: SegmentPlace): Promise<Overview> {
    const { reader, audio, threads } = this.#options;
    const { startSample, sampleCount, format } = segment;
    const grid = overviewGrid(format.sampleRateHz, format.channels);
    const gaps = segment.hasGaps ? await reader.gapsOf([segment.id]) : [];
    const partCount = partLength(grid);
    const parts: Pick<Overview, "peaks" | "columns">[] = [];
    for (let from = 0; from < sampleCount; from += partCount) {
      const to = Math.min(from + partCount, sampleCount);
      const bytes = await audio.read(segment, startSample + from, startSample + to);
      const missing = gaps
        .map((gap) => [gap.startSample - startSample, gap.startSample - startSample + gap.sampleCount] as const)
        .map(([gapFrom, gapTo]) => [Math.max(gapFrom, from) - from, Math.min(gapTo, to) - from] as const)
        .filter(([gapFrom, gapTo]) => gapTo > gapFrom);
      parts.push(await threads.measure({ samples: samplesOf(bytes), channels: format.channels, missing }, grid));
    }
    return {
      ...grid,
      sampleCount,
      peaks: concatSamples(parts.map(({ peaks }) => peaks)),
      columns: Buffer.concat(parts.map(({ columns }) => columns)),
    };
  }
}

function isOf(overview: Overview, { format, sampleCount }: SegmentPlace): boolean {
  const grid = overviewGrid(format.sampleRateHz, format.channels);
  return (
    overview.sampleCount === sampleCount &&
    overview.channels === grid.channels &&
    overview.peakSamples === grid.peakSamples &&
    overview.columnSamples === grid.columnSamples
  );
}

/** Parts begin on columns, so that they fit together. */
function partLength({ columnSamples, channels }: OverviewGrid): number {
  return columnSamples * Math.max(1, Math.floor(maxMeasuredBytes / (columnSamples * channels * 2)));
}
