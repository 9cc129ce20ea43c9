import type { Readable } from "node:stream";
import { overviewBinCount } from "@eet/audio";
import type { CatalogReader } from "../catalog/catalog-reader.ts";
import { StorageError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { ByteRange, ObjectReader } from "../kernel/object-reader.ts";
import type { PastAsk, PastPicture } from "../live/past-meter.ts";
import type { ChunkMemory } from "./chunk-memory.ts";
import { overlapRule } from "./heard-runs.ts";
import { KnownSegments } from "./known-segments.ts";
import { OpenAudioSource } from "./open-audio-source.ts";
import { type OverviewKeeper, OverviewSource } from "./overview-source.ts";
import { PcmReader } from "./pcm-reader.ts";
import { PlaybackThreads } from "./playback-threads.ts";
import { createRangeAudio } from "./range-audio.ts";
import type {
  AudioFacts,
  MissingPage,
  MissingStretch,
  RangeFacts,
  RangePeaks,
  RangeSpectrogram,
} from "./range-facts.ts";
import { assertPictureSize, RangePictures } from "./range-pictures.ts";
import type { MissingRun, RangePlan } from "./range-plan.ts";
import { RangePlanner } from "./range-planner.ts";
import type { AudioRequest, PeaksRequest, RangeRequest, SpectrogramRequest } from "./range-request.ts";
import { gridMsAt } from "./sample-grid.ts";
import { SegmentAudio } from "./segment-audio.ts";

export interface PlaybackOptions {
  readonly reader: CatalogReader;
  /** `data/received` */
  readonly receivedPath: string;
  /** `data/overview` */
  readonly overviewPath: string;
  /** Where evicted segments are; left out: evicted audio cannot be had. */
  readonly objects?: ObjectReader;
  readonly log: Log;
  /** Says whether overviews may be stored. Default: always. */
  readonly keeper?: OverviewKeeper;
  /** Threads that decode and measure, at most. Default 2. */
  readonly threadCount?: number;
}

/** A range that is resolved, checked and ready to be read. */
export interface RangeAudio {
  readonly facts: AudioFacts;
  /** `audio/wav`, `audio/flac`; for raw, which no registered type names, `application/octet-stream`. */
  readonly contentType: string;
  /** Such as `mic-1_20260102T030405Z.wav`: ASCII, safe in any file system. */
  readonly fileName: string;
  /** Length of the whole; `undefined` for FLAC, which is known only when it is made. */
  readonly byteLength: number | undefined;
  /** Strong validator with quotes: the same for the same bytes. */
  readonly etag: string;
  /**
   * Begins to read; may be called more than once. What lies before `bytes` is not read. Destroying the stream ends it.
   * The stream fails, and never gives wrong audio, when a segment turns out to be gone or damaged: ServerError
   * `AUDIO_UNAVAILABLE`.
   *
   * @param bytes - a part, within `byteLength`
   * @throws RangeError for FLAC with `bytes`, or for bytes beyond the end
   */
  read(bytes?: ByteRange): Readable;
  /**
   * The same for who gives chunks back: they lie in `memory`, as far as they need any, and each is to be released when
   * nobody looks at it any more.
   *
   * @throws RangeError as `read`
   */
  chunks(memory: ChunkMemory, bytes?: ByteRange): AsyncGenerator<Uint8Array>;
}

const defaultThreadCount = 2;
/** Beyond it so many overviews would be read that nothing answers at once; the timeline shows longer ranges. */
const maxPictureMs = 48 * 60 * 60 * 1000;
/** Sessions and gaps that facts list. */
const maxListedCount = 1000;

/**
 * Gives ranges of recordings as audio and as pictures, across segments and sessions, from local files or the object
 * store. How ranges lie on the sample grid: docs/playback.md.
 *
 * `audio`, `peaks` and `spectrogram` reject with
 * - RequestError `RANGE_INVALID`: the range is empty, reversed, longer than 31 days, or more than the format can hold
 * - RequestError `RANGE_EMPTY`: nothing is recorded in it; tells what lies nearest
 * - RequestError `RANGE_AMBIGUOUS`: several streams have audio in it and none was chosen; lists them
 * - RequestError `RANGE_MIXED`: sessions of different formats lie in it; lists them with their times
 * - StorageError `AUDIO_UNAVAILABLE`: the audio is gone, damaged, or in a store that cannot be reached
 * - LimitError `THREAD_ENDED`: the thread that drew a picture ended
 */
export class Playback {
  readonly #options: PlaybackOptions;
  readonly #threads: PlaybackThreads;
  readonly #planner: RangePlanner;
  readonly #audio: SegmentAudio;
  readonly #pictures: RangePictures;
  readonly #open: OpenAudioSource;

  constructor(options: PlaybackOptions) {
    const { reader, receivedPath, overviewPath, objects, log, keeper, threadCount = defaultThreadCount } = options;
    const threads = new PlaybackThreads({ threadCount, log });
    const audio = new SegmentAudio({ reader, receivedPath, objects, threads, log });
    const overviews = new OverviewSource({ reader, overviewPath, audio, threads, log, ...(keeper && { keeper }) });
    this.#options = options;
    this.#threads = threads;
    this.#planner = new RangePlanner(reader);
    this.#audio = audio;
    this.#open = new OpenAudioSource(receivedPath, threads);
    this.#pictures = new RangePictures({ pcmOf: (plan) => this.#pcmOf(plan), overviews, threads });
  }

  /** Threads that ended in the middle of a task. */
  get crashCount(): number {
    return this.#threads.crashCount;
  }

  /** Resolves a range and reads its first sample, so that most failures come before the first byte. */
  async audio(request: AudioRequest): Promise<RangeAudio> {
    const plan = await this.#planner.plan(request);
    const pcm = this.#pcmOf(plan);
    const { format, gaps: gapMode = "silence" } = request;
    const audio = createRangeAudio({ plan, facts: describePlan(plan), format, gapMode, pcm });
    await this.#probe(plan, pcm);
    return audio;
  }

  /**
   * What a range lacks, also of more than its facts list.
   *
   * @param limit - stretches to give, 1 to 1000
   * @param fromSample - samples per channel from the range's start: those that begin before are left out
   */
  async missing(request: RangeRequest, limit: number, fromSample: number): Promise<MissingPage> {
    const plan = await this.#planner.plan(request);
    const rest = plan.missing.filter(({ from }) => from - plan.from >= fromSample);
    const next = rest[limit];
    return {
      facts: describePlan(plan),
      gaps: rest.slice(0, limit).map((run) => describeMissing(run, plan)),
      nextFromSample: next && next.from - plan.from,
    };
  }

  /** Peaks of a range in `width` columns; of at most 48 h. */
  async peaks(request: PeaksRequest): Promise<RangePeaks> {
    assertPictureSize(request.width, 1);
    const { width, signal } = request;
    const plan = await this.#planner.plan(request, maxPictureMs);
    return await this.#pictures.peaks(plan, describePlan(plan), { width, signal });
  }

  /** Spectrogram of a range in `width` columns; of at most 48 h. */
  async spectrogram({ height = overviewBinCount, ...request }: SpectrogramRequest): Promise<RangeSpectrogram> {
    assertPictureSize(request.width, height);
    const { width, signal } = request;
    const plan = await this.#planner.plan(request, maxPictureMs);
    return await this.#pictures.spectrogram(plan, describePlan(plan), { width, height, signal });
  }

  /** Levels and spectrum of what stands in segments that are not finished. See {@link OpenAudioSource.read}. */
  past(ask: PastAsk): Promise<PastPicture> {
    return this.#open.read(ask);
  }

  /** Stops the threads; what is being read fails. Idempotent. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #pcmOf({ known }: RangePlan): PcmReader {
    return new PcmReader(known === undefined ? this.#options.reader : new KnownSegments(known), this.#audio);
  }

  async #probe({ runs, evicted }: RangePlan, pcm: PcmReader): Promise<void> {
    for (const segment of this.#options.objects === undefined ? evicted : []) {
      if (await this.#audio.isHere(segment)) continue;
      throw new StorageError("AUDIO_UNAVAILABLE", `${segment.name} is in an object store only, and none is configured`);
    }
    for (const run of runs.slice(0, 1)) {
      for await (const { segment, fromSample } of pcm.parts(run, run.from, run.from + 1)) {
        await this.#audio.read(segment, fromSample, fromSample + 1);
      }
    }
  }
}

/** What of a range is told to those who asked for it. */
export function describePlan(plan: RangePlan): RangeFacts {
  const { hwid, streamId, sampleRateHz, channels, runs, missing, sources } = plan;
  const msAt = (index: number) => gridMsAt(index, sampleRateHz);
  return {
    hwid,
    streamId,
    fromMs: msAt(plan.from),
    toMs: msAt(plan.to),
    sampleRateHz,
    channels,
    sessions: [...new Set(runs.map(({ session }) => session))].slice(0, maxListedCount),
    gaps: missing.slice(0, maxListedCount).map((run) => describeMissing(run, plan)),
    gapCount: missing.length,
    gapSampleCount: missing.reduce((sum, { from, to }) => sum + to - from, 0),
    sources,
    overlap: plan.hasOverlap ? overlapRule : null,
  };
}

function describeMissing({ from, to, cause }: MissingRun, plan: RangePlan): MissingStretch {
  const { sampleRateHz } = plan;
  return {
    startMs: gridMsAt(from, sampleRateHz),
    durationMs: ((to - from) * 1000) / sampleRateHz,
    fromSample: from - plan.from,
    sampleCount: to - from,
    cause,
  };
}
