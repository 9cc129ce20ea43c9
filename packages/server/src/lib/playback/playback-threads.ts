import { fileURLToPath } from "node:url";
import type { DrawnAudio, Overview, OverviewGrid } from "@eet/audio";
import { Piscina } from "piscina";
import type { BinMarks, MarksRequest, SamplesRequest } from "../finishing/segment-samples.ts";
import { LimitError, systemErrorCode, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { UnfoldedRows } from "./fold-rows.ts";
import type { OpenAudio, OpenAudioRequest } from "./open-audio.ts";
import type { PlaybackResult, PlaybackTask } from "./playback-task.ts";
import type { LevelGrid } from "./png-format.ts";
import type { PowerSums } from "./spectrum-columns.ts";

type TaskOutcome =
  | { readonly results: readonly PlaybackResult[]; readonly message?: undefined }
  | { readonly message: string };

/** Tasks that may wait: a listener has few on the way at a time. */
const maxQueueLength = 10_000;
const threadIdleMs = 30_000;
/** Threads that one task may take along. */
const maxCrashCount = 2;
const startAgainMs = 1_000;

type TaskOptions = Parameters<Piscina<PlaybackTask | null, TaskOutcome>["run"]>[1];

export interface PlaybackThreadsOptions {
  /** Threads at most, 1 or more. */
  readonly threadCount: number;
  readonly log: Log;
  /** For tests: the module that the threads run. */
  readonly workerUrl?: URL;
  /** For tests: MiB of heap that a thread may use; what samples take does not count. */
  readonly maxHeapMb?: number;
}

/**
 * The threads that decode and measure, so that nothing on the main thread touches a sample. They start when needed. One
 * that ends in the middle of a task is replaced; what it was to decode is decoded by another.
 *
 * All methods throw LimitError `THREAD_ENDED` when there is nothing more to try, and what the task failed with.
 */
export class PlaybackThreads {
  readonly #options: PlaybackThreadsOptions;
  #pool: Piscina<PlaybackTask | null, TaskOutcome> | undefined;
  #isClosed = false;
  #taskCount = 0;
  #crashCount = 0;
  #startTimer: NodeJS.Timeout | undefined;

  constructor(options: PlaybackThreadsOptions) {
    this.#options = options;
  }

  /** Threads that ended in the middle of a task. */
  get crashCount(): number {
    return this.#crashCount;
  }

  /** See `decodeSamples`. @throws Error with its message */
  async decode(request: SamplesRequest): Promise<Int16Array> {
    const [samples] = await this.#run({ kind: "decode", ...request });
    return samples as Int16Array;
  }

  /** See `indexBin`. @throws Error with its message */
  async indexBin(request: Omit<MarksRequest, "from">): Promise<BinMarks | null> {
    const [marks] = await this.#run({ kind: "index", ...request });
    return marks as BinMarks | null;
  }

  /** See `markFrames`. @throws Error with its message */
  async markFrames(request: MarksRequest): Promise<BinMarks> {
    const [marks] = await this.#run({ kind: "marks", ...request });
    return marks as BinMarks;
  }

  /** See `measureOpenAudio`. @throws Error with its message */
  async measureOpen(request: OpenAudioRequest): Promise<OpenAudio> {
    const [audio] = await this.#run({ kind: "open", ...request });
    return audio as OpenAudio;
  }

  /** Overview of some audio; it may be a part whose start lies on the grid's columns. */
  async measure(audio: DrawnAudio, grid: OverviewGrid): Promise<Pick<Overview, "peaks" | "columns">> {
    const [peaks, columns] = await this.#run({ kind: "overview", audio, grid }, audio);
    return { peaks: peaks as Int16Array, columns: columns as Uint8Array };
  }

  /** See `drawPeaks`. `audio` is gone afterwards. */
  async drawPeaks(audio: DrawnAudio, width: number, signal?: AbortSignal): Promise<readonly Int16Array[]> {
    return (await this.#run({ kind: "peaks", audio, width }, audio, signal)) as readonly Int16Array[];
  }

  /** See `drawSpectrogram`. `audio` is gone afterwards. */
  async drawSpectrogram(
    audio: DrawnAudio,
    width: number,
    { binCount, signal }: { readonly binCount: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Uint8Array> {
    const [levels] = await this.#run({ kind: "spectrogram", audio, width, binCount }, audio, signal);
    return levels as Uint8Array;
  }

  /** See `levelsOf`. */
  async levelsOf(sums: PowerSums): Promise<Uint8Array> {
    const [levels] = await this.#run({ kind: "levels", ...sums });
    return levels as Uint8Array;
  }

  /** See `foldRows`. */
  async foldRows(rows: UnfoldedRows): Promise<Uint8Array> {
    const [values] = await this.#run({ kind: "fold", ...rows });
    return values as Uint8Array;
  }

  /** See `formatPngRows`. */
  async formatPngRows(grid: LevelGrid): Promise<Uint8Array> {
    const [rows] = await this.#run({ kind: "png", ...grid });
    return rows as Uint8Array;
  }

  /** Stops the threads; what they do fails. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#startTimer);
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  /**
   * @param moved - goes over to the thread: such a task cannot be tried again
   * @param signal - takes the task out of the line; a thread that is at it is ended
   */
  async #run(task: PlaybackTask, moved?: DrawnAudio, signal?: AbortSignal): Promise<readonly PlaybackResult[]> {
    const options = {
      ...(moved && { transferList: [moved.samples.buffer as ArrayBuffer] }),
      ...(signal && { signal }),
    };
    for (let crashCount = 1; ; crashCount += 1) {
      try {
        return await this.#runOnce(task, options);
      } catch (thrown) {
        const error = toError(thrown);
        if (!isThreadEnd(error)) throw error;
        this.#crashCount += 1;
        const fields = { task: task.kind, error: error.message };
        this.#options.log.error(fields, "a thread that plays recordings ended: another one takes its place");
        if (moved === undefined && crashCount < maxCrashCount) continue;
        throw new LimitError("THREAD_ENDED", `while it was at "${task.kind}": ${error.message}`, { cause: error });
      }
    }
  }

  async #runOnce(task: PlaybackTask, options: TaskOptions): Promise<readonly PlaybackResult[]> {
    if (this.#isClosed) throw new Error("playback is closed");
    this.#pool ??= this.#open();
    this.#taskCount += 1;
    try {
      const outcome = await this.#pool.run(task, options);
      if (outcome.message === undefined) return outcome.results;
      throw new Error(outcome.message);
    } catch (thrown) {
      this.#wake();
      throw thrown;
    } finally {
      this.#taskCount -= 1;
    }
  }

  /** A task that takes its thread along, or is aborted, leaves those behind it waiting for a thread that nobody starts. */
  #wake(): void {
    // One of them is the one that has just failed.
    if (this.#taskCount > 1) this.#pool?.run(null).catch(() => {});
  }

  /** A thread that does not start, as for want of file descriptors: what waits is not told. */
  #onThreadError({ message }: Error): void {
    this.#options.log.warn({ error: message }, "a thread that plays recordings did not start: it is tried again");
    this.#startTimer ??= setTimeout(() => {
      this.#startTimer = undefined;
      if (this.#taskCount > 0) this.#pool?.run(null).catch(() => {});
    }, startAgainMs);
  }

  #open(): Piscina<PlaybackTask | null, TaskOutcome> {
    const { threadCount, workerUrl, maxHeapMb } = this.#options;
    const file = import.meta.url.endsWith(".ts") ? "./playback-worker.ts" : "./playback-worker.js";
    const pool = new Piscina<PlaybackTask | null, TaskOutcome>({
      filename: fileURLToPath(workerUrl ?? new URL(file, import.meta.url)),
      minThreads: 0,
      maxThreads: threadCount,
      idleTimeout: threadIdleMs,
      maxQueue: maxQueueLength,
      ...(maxHeapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }),
    });
    // Nobody listening would be the end of the process.
    pool.on("error", (error: Error) => this.#onThreadError(error));
    return pool;
  }
}

function isThreadEnd(error: Error): boolean {
  return /^worker exited with code/.test(error.message) || systemErrorCode(error) === "ERR_WORKER_OUT_OF_MEMORY";
}
