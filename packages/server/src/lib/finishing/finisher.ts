import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import type { FinishJob } from "./finish-segment-store.ts";

/** Segments that may wait; what exceeds it stays on disk as it is until the next start recovers it. */
const maxQueueLength = 100_000;
/** Threads come and go with the load: starting one costs more than a segment does. */
const threadIdleMs = 30_000;

export interface FinisherOptions {
  /** `data/received` */
  readonly receivedPath: string;
  /** Threads that derive, at least 1. */
  readonly workerCount: number;
  readonly log: Log;
  /** Asked per segment: WAVs may be switched off, or the disk short of room. */
  readonly wantsWav: () => boolean;
  /** Nibble order that segments of the session before `index` told, by the catalogue. */
  readonly earlierOrderOf: (session: string, index: number) => Promise<"low" | "high" | undefined>;
  /** Takes each finished segment; the next one of the session is finished after it has. */
  readonly onFinished: (segment: FinishedSegment, closed: ClosedSegment) => Promise<void>;
  /** Told of a segment that held no frame; its files are gone. */
  readonly onEmpty: (closed: ClosedSegment) => void;
}

/**
 * Derives closed segments in worker threads. Segments of one session are finished in their order, since what one tells
 * about the nibble order holds for those after it; sessions are finished side by side.
 */
export class Finisher {
  readonly #options: FinisherOptions;
  readonly #pool: Piscina<FinishJob, FinishedSegment | null>;
  readonly #tails = new Map<string, Promise<void>>();
  #queueLength = 0;
  #failedCount = 0;
  #closing: Promise<void> | undefined;

  constructor(options: FinisherOptions) {
    this.#options = options;
    const workerUrl = new URL(
      import.meta.url.endsWith(".ts") ? "./finish-worker.ts" : "./finish-worker.js",
      import.meta.url,
    );
    this.#pool = new Piscina({
      filename: fileURLToPath(workerUrl),
      minThreads: 1,
      maxThreads: options.workerCount,
      idleTimeout: threadIdleMs,
      // Each thread takes one segment at a time; the rest waits in the pool's queue.
      concurrentTasksPerWorker: 1,
      maxQueue: maxQueueLength,
    });
  }

  /** Segments that wait or are being finished. */
  get queueLength(): number {
    return this.#queueLength;
  }

  /** Segments of this run that were left to the next start. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /** Resolves when the segments of a session that are queued now are finished; never rejects. */
  settled(session: string): Promise<void> {
    return this.#tails.get(session) ?? Promise.resolve();
  }

  /**
   * Queues a segment. One that comes when too many wait, or after {@link close}, is left to the next start.
   *
   * @returns when it is finished or has failed; never rejects
   */
  finish(segment: ClosedSegment, isRecovered: boolean): Promise<void> {
    const { session } = segment.opening.session;
    if (this.#queueLength >= maxQueueLength || this.#closing !== undefined) {
      this.#failedCount += 1;
      const reason = this.#closing === undefined ? "too many segments wait" : "the finisher is closed";
      this.#options.log.error({ segment: segment.opening.name }, `${reason}: the next start finishes the segment`);
      return Promise.resolve();
    }
    this.#queueLength += 1;
    const before = this.#tails.get(session) ?? Promise.resolve();
    const finishing = before.then(() => this.#finishNow(segment, isRecovered));
    this.#tails.set(session, finishing);
    void finishing.then(() => {
      this.#queueLength -= 1;
      if (this.#tails.get(session) === finishing) this.#tails.delete(session);
    });
    return finishing;
  }

  async #finishNow(segment: ClosedSegment, isRecovered: boolean): Promise<void> {
    const { receivedPath, wantsWav, earlierOrderOf, onFinished, onEmpty, log } = this.#options;
    const { opening } = segment;
    try {
      const earlierOrder = await earlierOrderOf(opening.session.session, opening.index);
      const finished = await this.#pool.run({
        receivedPath,
        segment,
        wantsWav: wantsWav(),
        isRecovered,
        ...(earlierOrder !== undefined && { earlierOrder }),
      });
      if (finished === null) onEmpty(segment);
      else await onFinished(finished, segment);
    } catch (thrown) {
      const { message } = toError(thrown);
      this.#failedCount += 1;
      log.error(
        { segment: opening.name, error: message },
        "segment not finished: its frames stay, the next start tries again",
      );
    }
  }

  /** Finishes what is queued and stops the threads. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#tails.values());
    await this.#pool.destroy();
  }
}
