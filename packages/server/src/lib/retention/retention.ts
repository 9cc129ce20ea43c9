import type { Annotations } from "../catalog/annotations.ts";
import type { LocalUsage, RetentionQueue } from "../catalog/retention-queue.ts";
import type { Clock } from "../kernel/clock.ts";
import { LimitError, toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { DeletionHistory } from "./deletion-history.ts";
import type { LocalEviction } from "./local-eviction.ts";
import { PinRanges } from "./pin-ranges.ts";
import { type GuardVerdict, guardRun } from "./retention-guard.ts";
import { formatQuotaSize, type RetentionPolicy } from "./retention-policy.ts";
import { type RetentionReport, RetentionTally } from "./retention-report.ts";
import { type RetentionDecision, RetentionWalk, readUsage } from "./retention-walk.ts";

export interface RetentionOptions {
  readonly queue: RetentionQueue;
  readonly annotations: Pick<Annotations, "pins" | "deleteSegments">;
  readonly eviction: Pick<LocalEviction, "evict">;
  /** Told when something is to be removed. */
  readonly onDeleted: () => void;
  readonly policy: RetentionPolicy;
  readonly isUploading: boolean;
  /** Time between two runs. */
  readonly intervalMs: number;
  readonly log: Log;
  readonly clock: Clock;
}

export interface RetentionRunOptions {
  /** Deletes even more than half. Default false. */
  readonly allowMost?: boolean;
  /** While uploads are off: deletes even what was queued for upload and is not stored. Default false. */
  readonly deleteQueued?: boolean;
}

/**
 * Keeps recordings within their quotas: what is stored elsewhere loses its local files, what is not is deleted where
 * uploads are off, and waits for its upload where they are on or it was queued while they were. [S-2.5]
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #history: DeletionHistory;
  #policy: RetentionPolicy;
  #intervalMs: number;
  #hasStarted = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#history = new DeletionHistory(options.clock);
    this.#policy = options.policy;
    this.#intervalMs = options.intervalMs;
  }

  /** Runs now and at the interval, where there is a quota. */
  start(): void {
    this.#hasStarted = true;
    if (this.#policy.isOff) return;
    const run = () => void this.run().catch((thrown) => this.#logFailure(thrown));
    this.#timer = setInterval(run, this.#intervalMs);
    run();
  }

  /** Takes other quotas and another interval; a run at work goes on with what it began with. */
  change({ policy, intervalMs }: Pick<RetentionOptions, "policy" | "intervalMs">): void {
    this.#policy = policy;
    this.#intervalMs = intervalMs;
    clearInterval(this.#timer);
    if (this.#hasStarted && !this.#isClosed) this.start();
  }

  /**
   * What a run would do now.
   *
   * @throws StorageError when the catalogue fails
   */
  async plan(): Promise<RetentionReport> {
    const tally = await this.#decide(await this.#walk(this.#options.clock.wallMs()));
    const { refusals } = guardRun(tally, this.#usage(), this.#history);
    return this.#report(tally, refusals);
  }

  /**
   * Does it. Runs that are asked for while one is at work follow it.
   *
   * @returns what was done
   * @throws StorageError when the catalogue fails; what was done until then is done
   */
  run(options: RetentionRunOptions = {}): Promise<RetentionReport> {
    const next = this.#running.then(() => this.#run(options));
    this.#running = next.catch(() => {});
    return next;
  }

  /** Starts nothing new; resolves when the page at work is through. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run({ allowMost = false, deleteQueued = false }: RetentionRunOptions): Promise<RetentionReport> {
    const nowMs = this.#options.clock.wallMs();
    const planned = await this.#decide(await this.#walk(nowMs, deleteQueued));
    const guard = guardRun(planned, this.#usage(), this.#history);
    const verdict: GuardVerdict = allowMost ? { refusals: [], isRefused: () => false } : guard;
    const before = this.#usage();
    const done = new RetentionTally();
    for await (const page of (await this.#walk(nowMs, deleteQueued)).pages()) {
      if (this.#isClosed) break;
      await this.#carryOut(page, verdict, done);
    }
    if (done.count("delete") > 0) this.#options.onDeleted();
    if (allowMost) this.#history.forget();
    else this.#history.note(done, before);
    this.#logRun(done, verdict);
    return this.#report(done, verdict.refusals, before);
  }

  async #walk(nowMs: number, deleteQueued = false): Promise<RetentionWalk> {
    const { queue, annotations, isUploading } = this.#options;
    const policy = this.#policy;
    const pins = new PinRanges(await annotations.pins({}));
    return new RetentionWalk({ queue, policy, pins, isUploading, deleteQueued, nowMs });
  }

  async #decide(walk: RetentionWalk): Promise<RetentionTally> {
    const tally = new RetentionTally();
    for await (const page of walk.pages()) for (const decision of page) tally.add(decision);
    return tally;
  }

  async #carryOut(page: readonly RetentionDecision[], guard: GuardVerdict, done: RetentionTally): Promise<void> {
    const { eviction, annotations } = this.#options;
    const isRefused = ({ segment, outcome }: RetentionDecision) =>
      outcome === "delete" && guard.isRefused(segment.hwid);
    for (const decision of page.filter(isRefused)) done.add(decision, "refused");
    const going = page.filter((decision) => !isRefused(decision));
    for (const decision of going.filter(({ outcome }) => outcome === "pinned" || outcome === "waiting"))
      done.add(decision);
    const evicting = going.filter(({ outcome }) => outcome === "evict");
    const evicted = new Set((await eviction.evict(evicting.map(({ segment }) => segment))).map(({ id }) => id));
    for (const decision of evicting) if (evicted.has(decision.segment.id)) done.add(decision);
    const deleting = Map.groupBy(
      going.filter(({ outcome }) => outcome === "delete"),
      ({ reason }) => reason,
    );
    for (const [reason, decisions] of deleting) {
      const segmentIds = decisions.map(({ segment }) => segment.id);
      const deleted = await annotations.deleteSegments({ segmentIds, reason: `retention: ${reason}` });
      const ids = new Set(deleted.map(({ id }) => id));
      for (const decision of decisions) if (ids.has(decision.segment.id)) done.add(decision);
    }
  }

  #usage(): readonly LocalUsage[] {
    return [...readUsage(this.#options.queue)];
  }

  #report(tally: RetentionTally, refusals: readonly string[], usage = this.#usage()): RetentionReport {
    const devices = usage.map((device) => ({ ...device, entries: tally.entriesOf(device.hwid) }));
    return {
      devices: devices.filter(({ entries }) => entries.length > 0),
      localBytes: usage.reduce((sum, { localBytes }) => sum + localBytes, 0),
      refusals,
    };
  }

  #logRun(done: RetentionTally, { refusals }: GuardVerdict): void {
    const { log } = this.#options;
    const evicted = done.count("evict");
    const deleted = done.count("delete");
    if (evicted + deleted > 0) {
      const bytes = done.bytes("evict") + done.bytes("delete");
      log.info({ evicted, deleted, bytes, pinned: done.count("pinned") }, "retention: what is past its quota went");
    }
    const waiting = done.count("waiting");
    if (waiting > 0) {
      const size = formatQuotaSize(done.bytes("waiting"));
      log.warn({ segments: waiting, size }, this.#options.isUploading ? waitingMessage : queuedMessage);
    }
    if (refusals.length > 0) {
      const { code, message, row } = retentionRefusal(refusals);
      log.error({ code, reason: message, fix: row.fix }, "retention refused");
    }
  }

  #logFailure(thrown: unknown): void {
    this.#options.log.error({ error: toError(thrown).message }, "retention failed: tried again at the next run");
  }
}

const waitingMessage = "retention: past its quota, stays until it is uploaded, or its command has run";
const queuedMessage =
  "retention: past its quota, stays until it is uploaded, as it was queued for that while uploads were on, or its " +
  "command has run; `eet retention --run --delete-queued` deletes what is not uploaded";

/** The error that tells what was not deleted. */
export function retentionRefusal(refusals: readonly string[]): LimitError {
  return new LimitError(
    "RETENTION_REFUSED",
    `retention would delete more than half: ${refusals.join(", ")}; nothing of that was deleted`,
  );
}
