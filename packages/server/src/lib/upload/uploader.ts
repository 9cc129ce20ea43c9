import { join } from "node:path";
import { type BackoffOptions, fullJitterMs } from "@eet/protocol";
import type { UploadQueue, UploadTask } from "../catalog/upload-queue.ts";
import { type Clock, systemClock, type WallMs } from "../kernel/clock.ts";
import type { ServerErrorCode } from "../kernel/error-table.ts";
import { ServerError, toError, UploadError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { CircuitBreaker, type CircuitOptions, type CircuitState } from "./circuit-breaker.ts";
import { Gathered } from "./gathered.ts";
import { contentTypeOf, formatObjectKey, formatObjectMetadata } from "./object-key.ts";
import type { ObjectStore, VerifiedObject } from "./object-store.ts";

/** What an {@link Uploader} works with. */
export interface UploaderOptions {
  readonly queue: UploadQueue;
  /** Stays the caller's: to be closed after the uploader. */
  readonly store: ObjectStore;
  /** Absolute path of `data/received`. */
  readonly receivedFolder: string;
  /** What object keys begin with. */
  readonly prefix: string;
  readonly log: Log;
  /** Uploads at the same time. Default 4. */
  readonly maxInFlight?: number;
  /** Bounds of the wait before a failed upload is tried again. Default 1 s, doubling up to 5 min. */
  readonly retry?: { readonly baseMs: number; readonly capMs: number };
  readonly circuit?: CircuitOptions;
  /** Called after each upload that is verified, with the bytes of its file. */
  readonly onStored?: (bytes: number) => void;
  /** Called after the last upload of a segment is verified; may come more than once. [S-4.4] */
  readonly onSegmentStored?: (segmentId: number) => void;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

interface Flight {
  readonly abort: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
}

/** An upload that is verified, and that the queue does not know of yet. */
interface Landed {
  readonly task: UploadTask;
  readonly key: string;
  readonly etag: string;
  readonly storedMs: WallMs;
  /** From its start until it was verified. */
  readonly tookMs: number;
}

// What the queue costs is its transactions: uploads are claimed and noted several at a time.
/** Claimed ahead of those that start, for each that may be in flight. */
const aheadPerFlight = 3;
/** What a crash forgets of it is found in the store again. */
const noteWindow = { windowMs: 25, limit: 64 };

// Longest sleep: timers run on another clock than the queue, and that one may be set.
const maxSleepMs = 60_000;

/** Errors that say nothing about the file at hand: the store as a whole cannot be used. */
const storeWideCodes: ReadonlySet<ServerErrorCode> = new Set([
  "UPLOAD_DENIED",
  "UPLOAD_NO_BUCKET",
  "UPLOAD_UNREACHABLE",
]);

/** Errors of one file to which the store answered, and so works. */
const answeredCodes: ReadonlySet<ServerErrorCode> = new Set(["UPLOAD_MISMATCH", "UPLOAD_FAILED"]);

/**
 * Takes uploads from the durable queue to the object store, some at a time, until each is verified. Failures are tried
 * again for ever; a store that is down is left alone but for probes. In memory is only what is in flight. [S-4.1, S-4.2]
 */
export class Uploader {
  /** Resolves once {@link Uploader.close} is through; never rejects. */
  readonly closed: Promise<void>;

  readonly #options: UploaderOptions;
  readonly #maxInFlight: number;
  readonly #retry: BackoffOptions;
  readonly #clock: Clock;
  readonly #breaker: CircuitBreaker;
  readonly #flights = new Map<number, Flight>();
  /** Uploads whose outcome the queue could not note; they are given back and found in the store when tried again. */
  readonly #unsettled = new Set<number>();
  /** Claimed, to start as soon as they may. */
  #ahead: UploadTask[] = [];
  readonly #landedUploads: Gathered<Landed>;
  readonly #settleClosed: () => void;
  #state: "new" | "running" | "draining" | "closed" = "new";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UploaderOptions) {
    this.#options = options;
    this.#maxInFlight = options.maxInFlight ?? 4;
    const { retry = { baseMs: 1000, capMs: 300_000 }, random = Math.random } = options;
    this.#retry = { ...retry, random };
    this.#clock = options.clock ?? systemClock;
    this.#breaker = new CircuitBreaker(options.circuit);
    this.#landedUploads = new Gathered((landed) => {
      this.#note(landed);
      // Nothing may be in flight whose end would give them back.
      if (this.#unsettled.size > 0) this.#pump();
    }, noteWindow);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = resolve;
  }

  /** State of the way to the store; `open` and `half-open` tell the error that closed it. */
  get circuit(): CircuitState {
    return this.#breaker.state;
  }

  /** Uploads in flight. */
  get inFlightCount(): number {
    return this.#flights.size;
  }

  /**
   * Begins to work, with what an earlier run left claimed.
   * @throws StorageError when the queue fails
   */
  start(): void {
    if (this.#state !== "new") return;
    this.#options.queue.resetInterrupted();
    this.#state = "running";
    this.#pump();
  }

  /** Says that uploads may have been queued. Cheap. */
  notify(): void {
    if (this.#flights.size < this.#maxInFlight) this.#pump();
  }

  /** Looks at once whether a store that was down is back, and takes what is due. */
  retryNow(): void {
    this.#breaker.hurry(this.#clock.monotonicMs());
    this.notify();
  }

  /**
   * Starts nothing new, and waits for the uploads in flight; those that are not through in time go back to the queue.
   *
   * @param timeoutMs - longest wait
   */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#state === "new" || this.#state === "running") this.#state = "draining";
    clearTimeout(this.#timer);
    this.#releaseAhead();
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    await Promise.race([this.#landed(), timeout.promise]);
    clearTimeout(timer);
    this.#abortAll();
    await this.#landed();
    this.#landedUploads.flush();
  }

  /** Stops at once: uploads in flight go back to the queue. Idempotent. */
  close(): Promise<void> {
    if (this.#state !== "closed") {
      this.#state = "closed";
      void this.drain(0).then(this.#settleClosed);
    }
    return this.closed;
  }

  /** Starts what may start, and sets the timer for what may start later. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#state !== "running") return;
    try {
      this.#releaseUnsettled();
      for (const task of this.#claim()) this.#launch(task);
      const sleepMs = this.#sleepMs();
      if (sleepMs !== undefined) this.#timer = setTimeout(() => this.#pump(), sleepMs);
    } catch (error) {
      this.#options.log.error({ err: toError(error) }, "the upload queue fails; tried again in a minute");
      this.#timer = setTimeout(() => this.#pump(), maxSleepMs);
    }
  }

  /** Takes what may start now, and a little ahead of it while the store works. */
  #claim(): readonly UploadTask[] {
    const isOpen = this.#breaker.state.kind !== "closed";
    if (isOpen) this.#releaseAhead();
    const free = this.#maxInFlight - this.#flights.size;
    const permitted = this.#breaker.permits(free, this.#clock.monotonicMs());
    const missing = permitted - this.#ahead.length;
    if (missing > 0) {
      const more = isOpen ? 0 : this.#maxInFlight * aheadPerFlight;
      this.#ahead.push(...this.#options.queue.claim(missing + more, this.#clock.wallMs()));
    }
    return this.#ahead.splice(0, permitted);
  }

  /** Time to the next start that no end of an upload and no notice brings about; `undefined` when there is none. */
  #sleepMs(): number | undefined {
    const { state } = this.#breaker;
    if (state.kind === "half-open" || this.#flights.size >= this.#maxInFlight) return undefined;
    const dueMs = this.#options.queue.nextDueMs();
    if (dueMs === undefined) return undefined;
    const untilDueMs = dueMs - this.#clock.wallMs();
    const untilProbeMs = state.kind === "open" ? state.probeMs - this.#clock.monotonicMs() : 0;
    return Math.min(maxSleepMs, Math.max(0, Math.ceil(untilDueMs), Math.ceil(untilProbeMs)));
  }

  #launch(task: UploadTask): void {
    const isProbe = this.#breaker.state.kind === "open";
    this.#breaker.started();
    const abort = new AbortController();
    const done = this.#carry(task, isProbe, abort.signal).finally(() => {
      this.#flights.delete(task.id);
      this.#pump();
    });
    this.#flights.set(task.id, { abort, done });
  }

  /** One upload from claim to outcome. Never rejects. */
  async #carry(task: UploadTask, isProbe: boolean, signal: AbortSignal): Promise<void> {
    const key = formatObjectKey(this.#options.prefix, task);
    const startedMs = this.#clock.monotonicMs();
    const attempt = await this.#put(task, key, signal);
    try {
      if (!(attempt instanceof Error)) this.#succeed(task, key, attempt, startedMs);
      else if (signal.aborted) this.#options.queue.release([task.id]);
      else this.#fail(task, toServerError(attempt), isProbe);
    } catch (error) {
      this.#failToNote(task, key, error);
    }
  }

  async #put(task: UploadTask, key: string, signal: AbortSignal): Promise<VerifiedObject | Error> {
    const { store, receivedFolder } = this.#options;
    const path = join(receivedFolder, task.folder, task.fileName);
    const { bytes, sha256, kind } = task;
    const metadata = formatObjectMetadata(task);
    try {
      return await store.put({ key, path, bytes, sha256, contentType: contentTypeOf(kind), metadata, signal });
    } catch (error) {
      return toError(error);
    }
  }

  #succeed(task: UploadTask, key: string, { etag }: VerifiedObject, startedMs: number): void {
    this.#judgeStore(() => this.#breaker.succeeded());
    const tookMs = Math.round(this.#clock.monotonicMs() - startedMs);
    this.#landedUploads.add({ task, key, etag, storedMs: this.#clock.wallMs(), tookMs });
  }

  /** Notes in the queue what is verified, and tells of it. Never throws. */
  #note(landed: readonly Landed[]): void {
    const { queue, log } = this.#options;
    try {
      queue.markStored(landed.map(({ task: { id }, key, etag, storedMs }) => ({ id, key, etag, storedMs })));
    } catch (error) {
      // What fails for one must not hold up the others.
      if (landed.length > 1) for (const one of landed) this.#note([one]);
      else for (const { task, key } of landed) this.#failToNote(task, key, error);
      return;
    }
    for (const { task, key, tookMs: ms } of landed) {
      log.info({ key, bytes: task.bytes, ms }, "upload stored");
      this.#options.onStored?.(task.bytes);
    }
    this.#tellStored(new Set(landed.map(({ task }) => task.segmentId)));
  }

  #tellStored(segmentIds: ReadonlySet<number>): void {
    const { queue, log, onSegmentStored } = this.#options;
    try {
      for (const segmentId of segmentIds) if (queue.areAllStored(segmentId)) onSegmentStored?.(segmentId);
    } catch (error) {
      log.error({ err: toError(error) }, "whether segments are stored could not be read");
    }
  }

  #failToNote({ id }: UploadTask, key: string, error: unknown): void {
    this.#unsettled.add(id);
    this.#options.log.error({ key, err: toError(error) }, "the outcome of an upload could not be noted");
  }

  #fail(task: UploadTask, error: ServerError, isProbe: boolean): void {
    const { queue, log } = this.#options;
    const isStoreWide = storeWideCodes.has(error.code);
    this.#judgeStore(() => {
      if (isStoreWide) this.#breaker.failed(error, this.#clock.monotonicMs());
      else if (answeredCodes.has(error.code)) this.#breaker.succeeded();
      else if (isProbe) this.#breaker.probeAbandoned(this.#clock.monotonicMs());
    });
    // A probe counts as an attempt, else a file that the store never takes would be the probe for ever.
    if (isStoreWide && this.#breaker.state.kind !== "closed" && !isProbe) {
      queue.release([task.id]);
      return;
    }
    const waitMs = fullJitterMs(task.attempts, this.#retry);
    const { code, message: reason } = error;
    queue.markFailed(task.id, { code, reason, nextTryMs: this.#clock.wallMs() + waitMs });
    const level = task.attempts === 0 && !isProbe ? "warn" : "debug";
    log[level]({ file: task.fileName, code, reason, waitMs }, "upload failed");
  }

  /** Lets the breaker learn, and logs when uploads begin to wait, wait for another reason, or go on. */
  #judgeStore(learn: () => void): void {
    const before = errorOf(this.#breaker.state);
    learn();
    const now = errorOf(this.#breaker.state);
    if (now?.code === before?.code) return;
    const { log } = this.#options;
    if (now === undefined) log.info({ code: before?.code }, "the object store works again: uploads go on");
    else log.error({ code: now.code, reason: now.message, fix: now.row.fix }, "the object store fails: uploads wait");
  }

  #releaseUnsettled(): void {
    if (this.#unsettled.size === 0) return;
    this.#options.queue.release([...this.#unsettled]);
    this.#unsettled.clear();
  }

  #releaseAhead(): void {
    const ids = this.#ahead.map(({ id }) => id);
    this.#ahead = [];
    if (ids.length === 0) return;
    try {
      this.#options.queue.release(ids);
    } catch {
      for (const id of ids) this.#unsettled.add(id);
    }
  }

  async #landed(): Promise<void> {
    await Promise.all([...this.#flights.values()].map(({ done }) => done));
  }

  #abortAll(): void {
    for (const { abort } of this.#flights.values()) abort.abort();
  }
}

function errorOf(state: CircuitState): ServerError | undefined {
  return state.kind === "closed" ? undefined : state.error;
}

function toServerError(error: Error): ServerError {
  return error instanceof ServerError ? error : new UploadError("INTERNAL", error.message, { cause: error });
}
