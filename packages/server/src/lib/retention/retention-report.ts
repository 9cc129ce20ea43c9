import type { LocalUsage } from "../catalog/retention-queue.ts";
import type { RetentionDecision, RetentionOutcome } from "./retention-walk.ts";

/** Segments of a device with the same fate for the same reason. */
export interface RetentionEntry {
  /** `refused`: it would be deleted, did that not delete more than half. */
  readonly outcome: RetentionOutcome | "refused";
  /** For people: `older than 30 days`. */
  readonly reason: string;
  readonly segmentCount: number;
  /** `.bin` and `.wav`. */
  readonly bytes: number;
  /** Start of the oldest one, ms since 1970. */
  readonly oldestMs: number;
}

/** What a run does to a device's recordings, or would do. */
export interface DeviceRetention extends LocalUsage {
  readonly entries: readonly RetentionEntry[];
}

/** What a run does, or would do. */
export interface RetentionReport {
  /** Those devices of which something is past a quota. */
  readonly devices: readonly DeviceRetention[];
  readonly localBytes: number;
  /** What it would delete that it must not: a line for people each. Empty when nothing is refused. */
  readonly refusals: readonly string[];
}

/** Adds up decisions by device, fate and reason. */
export class RetentionTally {
  readonly #entries = new Map<string | null, Map<string, RetentionEntry>>();

  /** @param outcome - default: the decision's */
  add(
    { segment, reason, ...decision }: RetentionDecision,
    outcome: RetentionEntry["outcome"] = decision.outcome,
  ): void {
    const entries = this.#entries.get(segment.hwid) ?? new Map<string, RetentionEntry>();
    this.#entries.set(segment.hwid, entries);
    const key = `${outcome} ${reason}`;
    const { segmentCount = 0, bytes = 0, oldestMs = Infinity } = entries.get(key) ?? {};
    entries.set(key, {
      ...{ outcome, reason, segmentCount: segmentCount + 1, bytes: bytes + segment.bytes },
      oldestMs: Math.min(oldestMs, segment.startMs),
    });
  }

  entriesOf(hwid: string | null): readonly RetentionEntry[] {
    return [...(this.#entries.get(hwid)?.values() ?? [])];
  }

  /** Segments with some fate, of all devices. */
  count(outcome: RetentionEntry["outcome"]): number {
    return [...this.#entries.keys()].reduce((sum, hwid) => sum + this.countOf(hwid, outcome), 0);
  }

  countOf(hwid: string | null, outcome: RetentionEntry["outcome"]): number {
    const entries = this.entriesOf(hwid).filter((entry) => entry.outcome === outcome);
    return entries.reduce((sum, { segmentCount }) => sum + segmentCount, 0);
  }

  /** Bytes with some fate, of all devices. */
  bytes(outcome: RetentionEntry["outcome"]): number {
    const all = [...this.#entries.values()].flatMap((entries) => [...entries.values()]);
    return all.filter((entry) => entry.outcome === outcome).reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
