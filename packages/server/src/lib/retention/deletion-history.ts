import type { LocalUsage } from "../catalog/retention-queue.ts";
import type { Clock } from "../kernel/clock.ts";
import type { RetentionTally } from "./retention-report.ts";

const dayMs = 86_400_000;
/** Runs are told apart no finer: a device takes a few numbers, however often runs come. */
const bucketMs = 4 * 3_600_000;

/** What runs of the last day did. */
export interface DayOfDeletions {
  /** Segments that they deleted. */
  readonly deletedCount: number;
  /** The most segments that any of them found. */
  readonly peakCount: number;
}

/** A day on which nothing was deleted. */
export const noDeletions: DayOfDeletions = { deletedCount: 0, peakCount: 0 };

/** What the guard looks back at. */
export interface PastDeletions {
  readonly all: DayOfDeletions;
  of(hwid: string | null): DayOfDeletions;
}

/** A past of which nothing is known. */
export const noPast: PastDeletions = { all: noDeletions, of: () => noDeletions };

/** Deletions by the runs of the last day, in memory: many small runs are to be judged as one large one. */
export class DeletionHistory implements PastDeletions {
  readonly #clock: Clock;
  readonly #devices = new Map<string | null, Ledger>();
  #all = new Ledger();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): DayOfDeletions {
    return this.#all.read(this.#clock.monotonicMs());
  }

  of(hwid: string | null): DayOfDeletions {
    return this.#devices.get(hwid)?.read(this.#clock.monotonicMs()) ?? noDeletions;
  }

  /** @param usage - what the run found */
  note(done: RetentionTally, usage: readonly LocalUsage[]): void {
    const deletedCount = done.count("delete");
    if (deletedCount === 0) return;
    const nowMs = this.#clock.monotonicMs();
    this.#all.note(nowMs, { deletedCount, peakCount: usage.reduce((sum, device) => sum + device.segmentCount, 0) });
    for (const { hwid, segmentCount } of usage) {
      const ofDevice = done.countOf(hwid, "delete");
      if (ofDevice === 0) continue;
      const ledger = this.#devices.get(hwid) ?? new Ledger();
      this.#devices.set(hwid, ledger);
      ledger.note(nowMs, { deletedCount: ofDevice, peakCount: segmentCount });
    }
  }

  /** Somebody insisted: what went is no measure any more. */
  forget(): void {
    this.#devices.clear();
    this.#all = new Ledger();
  }
}

/** Deletions by parts of a day. */
class Ledger {
  readonly #buckets = new Map<number, DayOfDeletions>();

  note(atMs: number, { deletedCount, peakCount }: DayOfDeletions): void {
    const bucket = Math.floor(atMs / bucketMs);
    const before = this.#buckets.get(bucket) ?? noDeletions;
    this.#buckets.set(bucket, {
      deletedCount: before.deletedCount + deletedCount,
      peakCount: Math.max(before.peakCount, peakCount),
    });
    for (const old of this.#buckets.keys()) if (isPast(old, atMs)) this.#buckets.delete(old);
  }

  read(atMs: number): DayOfDeletions {
    let { deletedCount, peakCount } = noDeletions;
    for (const [bucket, day] of this.#buckets) {
      if (isPast(bucket, atMs)) continue;
      deletedCount += day.deletedCount;
      peakCount = Math.max(peakCount, day.peakCount);
    }
    return { deletedCount, peakCount };
  }
}

function isPast(bucket: number, nowMs: number): boolean {
  return (bucket + 1) * bucketMs <= nowMs - dayMs;
}
