import { setImmediate as nextTurn } from "node:timers/promises";
import type { LocalSegment, LocalUsage, RetentionQueue } from "../catalog/retention-queue.ts";
import type { PinRanges } from "./pin-ranges.ts";
import { type DeviceQuota, formatAge, formatQuotaSize, isUnlimited, type RetentionPolicy } from "./retention-policy.ts";

/** Segments looked at in one turn of the event loop: a few milliseconds. */
const pageLimit = 500;

/**
 * What becomes of a segment that is past a quota: `evict`: its local files go, the object store has them; `delete`: it
 * goes altogether; `pinned` and `waiting` (for its upload or
 * its command): it stays.
 */
export type RetentionOutcome = "evict" | "delete" | "pinned" | "waiting";

/** A segment that is past a quota. */
export interface RetentionDecision {
  readonly segment: LocalSegment;
  readonly outcome: RetentionOutcome;
  /** For people: `older than 30 days`. */
  readonly reason: string;
}

export interface RetentionWalkOptions {
  readonly queue: RetentionQueue;
  readonly policy: RetentionPolicy;
  readonly pins: PinRanges;
  /** Whether what is not stored elsewhere is on its way there: then it stays until it is. */
  readonly isUploading: boolean;
  /** Deletes also what waits for its upload while uploads are off. Default false: it stays. */
  readonly deleteQueued?: boolean;
  /** ms since 1970. */
  readonly nowMs: number;
}

/** Where a walk along one kind of segment has ended. */
type Place = Pick<LocalSegment, "keptFromMs" | "id">;

/** What of a device was decided by its own quota. */
interface DeviceProgress {
  /** Segments that end before it have been. */
  readonly cutoffMs: number;
  /** By `isStored`: segments up to it have been. */
  readonly sizePlaces: Map<boolean, Place>;
}

/** A rule at work: what it says of a segment. */
interface Rule {
  readonly hwid?: string | null;
  readonly isStored: boolean;
  /** `skip`: not its business, the next may be; `stop`: neither is any that follows. */
  judge(segment: LocalSegment): "take" | "skip" | "stop";
  readonly reason: string;
  /** Told what became of each segment that was taken. */
  readonly note?: (decision: RetentionDecision) => void;
}

/**
 * Decides what goes: past its device's age, then past its device's size, then past the size of all; what is stored
 * elsewhere goes before what is not, older before newer. Pinned ranges stay. Decides only: the same walk tells a dry run
 * what would go, and a run what to do. [S-2.5]
 */
export class RetentionWalk {
  readonly #options: RetentionWalkOptions;
  readonly #progress = new Map<string | null, DeviceProgress>();
  #freedBytes = 0;

  constructor(options: RetentionWalkOptions) {
    this.#options = options;
  }

  /** All decisions, by pages; what was decided may be carried out before the next page is asked for. */
  async *pages(): AsyncGenerator<readonly RetentionDecision[]> {
    const { policy } = this.#options;
    let localBytes = 0;
    for (const usage of readUsage(this.#options.queue)) {
      localBytes += usage.localBytes;
      const quota = policy.quotaOf(usage.hwid);
      if (!isUnlimited(quota) && usage.localSegmentCount > 0) yield* this.#walkDevice(usage, quota);
    }
    if (policy.maxBytes === undefined) return;
    const reason = `more than ${formatQuotaSize(policy.maxBytes)} in all`;
    const isDecided = (segment: LocalSegment) => this.#isDecided(segment);
    yield* this.#walkSize(localBytes - this.#freedBytes - policy.maxBytes, { reason, isDecided });
  }

  async *#walkDevice({ hwid, localBytes }: LocalUsage, { maxAgeMs, maxBytes }: DeviceQuota) {
    const cutoffMs = maxAgeMs === undefined ? -Infinity : this.#options.nowMs - maxAgeMs;
    const sizePlaces = new Map<boolean, Place>();
    this.#progress.set(hwid, { cutoffMs, sizePlaces });
    const freedBefore = this.#freedBytes;
    if (maxAgeMs !== undefined) {
      const judge = (segment: LocalSegment) =>
        segment.keptFromMs >= cutoffMs ? "stop" : keptUntilMs(segment) <= cutoffMs ? "take" : "skip";
      for (const isStored of [true, false])
        yield* this.#walk({ hwid, isStored, judge, reason: `older than ${formatAge(maxAgeMs)}` });
    }
    if (maxBytes === undefined) return;
    const excessBytes = localBytes - (this.#freedBytes - freedBefore) - maxBytes;
    const reason = `more than ${formatQuotaSize(maxBytes)} of the device`;
    const isDecided = (segment: LocalSegment) => keptUntilMs(segment) <= cutoffMs;
    const onTaken = (segment: LocalSegment) => sizePlaces.set(segment.isStored, segment);
    yield* this.#walkSize(excessBytes, { hwid, reason, isDecided, onTaken });
  }

  /** Takes segments until as many bytes are free, first those that are stored elsewhere. */
  async *#walkSize(
    excessBytes: number,
    scope: {
      readonly hwid?: string | null;
      readonly reason: string;
      readonly isDecided: (segment: LocalSegment) => boolean;
      readonly onTaken?: (segment: LocalSegment) => void;
    },
  ) {
    const { isDecided, onTaken, ...rule } = scope;
    let leftBytes = excessBytes;
    const judge = (segment: LocalSegment) => (leftBytes <= 0 ? "stop" : isDecided(segment) ? "skip" : "take");
    const note = ({ segment, outcome }: RetentionDecision) => {
      onTaken?.(segment);
      if (outcome !== "pinned") leftBytes -= segment.bytes;
    };
    for (const isStored of [true, false]) yield* this.#walk({ ...rule, isStored, judge, note });
  }

  async *#walk({ hwid, isStored, judge, reason, note }: Rule): AsyncGenerator<readonly RetentionDecision[]> {
    let after: Place | undefined;
    for (;;) {
      const filter = { isStored, limit: pageLimit, ...(hwid !== undefined && { hwid }), ...(after && { after }) };
      const segments = this.#options.queue.localSegments(filter);
      const decisions: RetentionDecision[] = [];
      let isAtEnd = segments.length < pageLimit;
      for (const segment of segments) {
        const verdict = judge(segment);
        isAtEnd ||= verdict === "stop";
        if (verdict === "stop") break;
        if (verdict === "skip") continue;
        const decision = { segment, outcome: this.#outcomeOf(segment), reason };
        if (decision.outcome === "evict" || decision.outcome === "delete") this.#freedBytes += segment.bytes;
        note?.(decision);
        decisions.push(decision);
      }
      after = segments.at(-1);
      yield decisions;
      if (isAtEnd) return;
      await nextTurn();
    }
  }

  #outcomeOf({ hwid, startMs, endMs, isStored, isQueued, isAwaited }: LocalSegment): RetentionOutcome {
    const { pins, isUploading, deleteQueued = false } = this.#options;
    if (pins.touches(hwid, startMs, endMs)) return "pinned";
    if (isAwaited) return "waiting";
    if (isStored) return "evict";
    // What was queued was promised a second copy: uploads that are switched off for a while do not take it back.
    return isUploading || (isQueued && !deleteQueued) ? "waiting" : "delete";
  }

  #isDecided(segment: LocalSegment): boolean {
    const { hwid, isStored, keptFromMs, id } = segment;
    const progress = this.#progress.get(hwid);
    if (progress === undefined) return false;
    const place = progress.sizePlaces.get(isStored);
    const isPast =
      place !== undefined && (keptFromMs < place.keptFromMs || (keptFromMs === place.keptFromMs && id <= place.id));
    return keptUntilMs(segment) <= progress.cutoffMs || isPast;
  }
}

/** End of a segment by the clock that is believed. */
function keptUntilMs({ keptFromMs, startMs, endMs }: LocalSegment): number {
  return keptFromMs + (endMs - startMs);
}

/** What every device has on disk. */
export function* readUsage(queue: Pick<RetentionQueue, "usage">): Generator<LocalUsage> {
  for (let after: string | null | undefined; ; ) {
    const page = queue.usage({ limit: pageLimit, ...(after !== undefined && { after }) });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageLimit) return;
    after = last.hwid;
  }
}
