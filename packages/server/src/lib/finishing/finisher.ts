import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { Piscina } from "piscina";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { type FinishOutcome, isPassing, readOutcome } from "./finish-outcome.ts";
import { FinishPace } from "./finish-pace.ts";
import type { FinishJob } from "./finish-segment-store.ts";
import { RecoveredPace } from "./recovered-pace.ts";
import { type RetryDelays, RetryQueue } from "./retry-queue.ts";
import { SessionCounts } from "./session-counts.ts";
import { segmentsPerThread, spreadOut } from "./spread-out.ts";

/** Segments that may wait; what exceeds it stays on disk as it is until the next start recovers it. */
const maxQueueLength = 100_000;
const defaultRetryDelays: RetryDelays = { firstMs: 5_000, longestMs: 60_000 };
/** Threads come and go with the load: starting one costs more than a segment does. */
const threadIdleMs = 30_000;
/**
 * While so many wait that an earlier run left, of a whole fleet that is, they get no overview: that is a fifth of the work,
 * devices wait for the rest, and an overview is measured when somebody asks for it.
 */
const maxCountWithOverviews = 1_000;
/** Threads that one segment may take along: the next start tries it again. */
const maxCrashCount = 3;

/** Files of a segment that are synced side by side. */
const syncsPerSegment = 2;
const defaultSystemThreadCount = 4;

export interface FinisherOptions {
  /** `data/received` */
  readonly receivedPath: string;
  /** `data/overview`, asked per segment; `undefined`, or left out: no overview is written, the disk may be short of room. */
  readonly overviewPath?: () => string | undefined;
  /** Threads that derive, at least 1. */
  readonly workerCount: number;
  /** Threads in which Node waits for the disk, the recorder's syncs among them (`UV_THREADPOOL_SIZE`). Default: 4, as Node's. */
  readonly systemThreadCount?: number | undefined;
  readonly log: Log;
  /** Asked per segment: WAVs may be switched off, or the disk short of room. */
  readonly wantsWav: () => boolean;
  /** Nibble order that segments of the session before `index` told, by the catalogue. */
  readonly earlierOrderOf: (session: string, index: number) => Promise<"low" | "high" | undefined>;
  /**
   * Takes each finished segment; the next one of the session is finished after it has. When it rejects for a reason that
   * passes, it is called again with the same.
   */
  readonly onFinished: (segment: FinishedSegment, closed: ClosedSegment) => Promise<void>;
  /** Told of a segment that held no frame; its files are gone. */
  readonly onEmpty: (closed: ClosedSegment) => void;
  /** Waits before a segment is tried again that failed for a reason that passes. Default: 5 s, doubling to 60 s. */
  readonly retryDelays?: RetryDelays;
  /** For tests: the module that the threads run. */
  readonly workerUrl?: URL;
}

/** A segment on its way. */
interface Task {
  readonly segment: ClosedSegment;
  readonly isRecovered: boolean;
  hasFailed: boolean;
  /** What was derived, once it is: then only handing it on is left. */
  finished?: FinishedSegment | null;
}

/**
 * Derives closed segments in worker threads. Segments of one session are finished in their order, since what one tells
 * about the nibble order holds for those after it; sessions are finished side by side.
 *
 * A segment that fails holds up no other: those after it go on, and do without what it would have told. When the reason is
 * one that passes (a full disk, no file descriptor left, the catalogue's disk) it is tried again in this run, behind
 * what its session has queued by then; what is left when the run ends is for the next start. [S-2.3] [S-2.6]
 */
export class Finisher {
  readonly #options: FinisherOptions;
  readonly #retryDelays: RetryDelays;
  readonly #pool: Piscina<FinishJob | null, FinishOutcome>;
  readonly #tails = new Map<string, Promise<boolean>>();
  readonly #retries: RetryQueue<Task>;
  readonly #failed = new SessionCounts();
  /** Those of {@link failedCount} that this run does not try again. */
  readonly #givenUp = new SessionCounts();
  readonly #pace: FinishPace;
  readonly #recoveredPace: RecoveredPace;
  readonly #canSyncMeanwhile: boolean;
  /** A thread that ends takes two along: tried again one at a time, no segment meets the one that ended its thread once more. */
  readonly #suspects = pLimit(1);
  #queueLength = 0;
  #crashCount = 0;
  #threadTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #isDestroying = false;

  constructor(options: FinisherOptions) {
    const { systemThreadCount = defaultSystemThreadCount } = options;
    this.#options = options;
    this.#retryDelays = options.retryDelays ?? defaultRetryDelays;
    this.#retries = new RetryQueue(this.#retryDelays, (task) => this.#enqueue(task));
    this.#pace = new FinishPace(options.workerCount);
    this.#recoveredPace = new RecoveredPace(options.workerCount);
    this.#canSyncMeanwhile = this.#recoveredPace.maxCount * syncsPerSegment <= systemThreadCount / 2;
    const workerUrl = new URL(
      import.meta.url.endsWith(".ts") ? "./finish-worker.ts" : "./finish-worker.js",
      import.meta.url,
    );
    this.#pool = new Piscina({
      filename: fileURLToPath(options.workerUrl ?? workerUrl),
      minThreads: 1,
      maxThreads: options.workerCount,
      idleTimeout: threadIdleMs,
      // Once all threads are busy: the disk has the files of one segment while the thread derives the next.
      concurrentTasksPerWorker: segmentsPerThread,
      loadBalancer: spreadOut(options.workerCount),
      maxQueue: maxQueueLength,
    });
    // Nobody listening would be the end of the process.
    this.#pool.on("error", (error: Error) => this.#onThreadError(error));
  }

  /** Segments that wait or are being finished; those that wait to be tried again are not among them. */
  get queueLength(): number {
    return this.#queueLength;
  }

  /** Segments of this run that could not be finished and still are not: they are tried again, or left to the next start. */
  get failedCount(): number {
    return this.#failed.total;
  }

  /** How often a segment was not through when its thread ended, and was derived again: up to twice for each thread. */
  get crashCount(): number {
    return this.#crashCount;
  }

  /** True while a segment of the session is among {@link failedCount}: what the catalogue knows of it has a hole. */
  hasFailed(session: string): boolean {
    return this.#failed.has(session);
  }

  /** True while {@link hasFailed} is, and all that failed of the session is tried again in this run. */
  willRetry(session: string): boolean {
    return this.#closing === undefined && this.#failed.has(session) && !this.#givenUp.has(session);
  }

  /**
   * Resolves when the segments of a session that are queued now are finished or have failed; never rejects. Those that an
   * earlier run left go before others meanwhile.
   */
  async settled(session: string): Promise<void> {
    const tail = this.#tails.get(session);
    if (tail !== undefined) await this.#recoveredPace.prefer(session, tail);
  }

  /**
   * Queues a segment. One that comes when too many wait, or after {@link close}, is left to the next start.
   *
   * @returns when it is finished or has failed for the first time; never rejects
   */
  async finish(segment: ClosedSegment, isRecovered: boolean): Promise<void> {
    if (this.#queueLength + this.#retries.size >= maxQueueLength || this.#closing !== undefined) {
      this.#failed.increment(segment.opening.session.session);
      this.#givenUp.increment(segment.opening.session.session);
      const reason = this.#closing === undefined ? "too many segments wait" : "the finisher is closed";
      this.#options.log.error({ segment: segment.opening.name }, `${reason}: the next start finishes the segment`);
      return;
    }
    const task: Task = { segment, isRecovered, hasFailed: false };
    if (!(await this.#enqueue(task))) this.#retries.add(task);
  }

  /** @returns false when it has to be tried again */
  #enqueue(task: Task): Promise<boolean> {
    const { session } = task.segment.opening.session;
    this.#queueLength += 1;
    const before = this.#tails.get(session) ?? Promise.resolve();
    const finishing = before.then(() => this.#tryToFinish(task));
    this.#tails.set(session, finishing);
    void finishing.then(() => {
      this.#queueLength -= 1;
      if (this.#tails.get(session) === finishing) this.#tails.delete(session);
    });
    return finishing;
  }

  async #tryToFinish(task: Task): Promise<boolean> {
    const { onFinished, onEmpty } = this.#options;
    try {
      task.finished ??= await this.#derive(task);
      if (task.finished === null) onEmpty(task.segment);
      else await onFinished(task.finished, task.segment);
      if (task.hasFailed) this.#failed.decrement(task.segment.opening.session.session);
      return true;
    } catch (thrown) {
      return this.#fail(task, toError(thrown));
    }
  }

  async #derive({ segment, isRecovered }: Task): Promise<FinishedSegment | null> {
    const { receivedPath, wantsWav, earlierOrderOf } = this.#options;
    const { session, index } = segment.opening;
    const earlierOrder = await earlierOrderOf(session.session, index);
    const run = () => {
      const isHurried = isRecovered && this.#recoveredPace.waitingCount > maxCountWithOverviews;
      const overviewPath = isHurried ? undefined : this.#options.overviewPath?.();
      return this.#runInThread({
        receivedPath,
        ...(overviewPath !== undefined && { overviewPath }),
        segment,
        wantsWav: wantsWav(),
        isRecovered,
        syncsMeanwhile: isRecovered && this.#canSyncMeanwhile,
        ...(earlierOrder !== undefined && { earlierOrder }),
      });
    };
    // Devices wait for what an earlier run has left: their sessions are told only when it is through.
    return readOutcome(await (isRecovered ? this.#recoveredPace.run(session.session, run) : this.#pace.run(run)));
  }

  /** What a segment's derivation fails with comes as an outcome: what is thrown is the end of the thread. */
  async #runInThread(job: FinishJob): Promise<FinishOutcome> {
    for (let crashCount = 1; ; crashCount += 1) {
      try {
        const run = () => this.#pool.run(job);
        return await (crashCount === 1 ? run() : this.#suspects(run));
      } catch (thrown) {
        const error = toError(thrown);
        if (isPassing(error) || this.#isDestroying) throw error;
        this.#crashCount += 1;
        const fields = { segment: job.segment.opening.name, code: systemErrorCode(error), error: error.message };
        this.#options.log.error(fields, "a thread that finishes segments ended: another one takes its segment");
        if (crashCount === maxCrashCount) throw error;
      }
    }
  }

  /** @returns false when it has to be tried again */
  #fail(task: Task, error: Error): boolean {
    const { opening } = task.segment;
    const isOver = !isPassing(error) || this.#closing !== undefined;
    const outlook = isOver ? "the next start tries again" : "it is tried again until it succeeds";
    const fields = { segment: opening.name, code: systemErrorCode(error), error: error.message };
    // Once is enough for one segment: the tries that follow fail for the same reason.
    this.#options.log[task.hasFailed ? "warn" : "error"](fields, `segment not finished: its frames stay, ${outlook}`);
    if (!task.hasFailed) this.#failed.increment(opening.session.session);
    if (isOver) this.#givenUp.increment(opening.session.session);
    task.hasFailed = true;
    return isOver;
  }

  /** A thread that does not start leaves what waits in the pool without one until the pool is given something to do. */
  #onThreadError({ message }: Error): void {
    this.#options.log.warn({ error: message }, "a thread that finishes segments did not start: it is tried again");
    this.#threadTimer ??= setTimeout(() => {
      this.#threadTimer = undefined;
      this.#pool.run(null).catch(() => {});
    }, this.#retryDelays.firstMs);
  }

  /** Finishes what is queued, leaves what failed to the next start, and stops the threads. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    this.#retries.close();
    this.#pace.hurry();
    await Promise.all(this.#tails.values());
    clearTimeout(this.#threadTimer);
    this.#isDestroying = true;
    await this.#pool.destroy();
  }
}
