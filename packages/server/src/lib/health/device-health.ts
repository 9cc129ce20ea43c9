import { type Evidence, noDataCondition, type SegmentFacts } from "./health-conditions.ts";
import { type HeldCondition, StreamHealth } from "./stream-health.ts";

/** A stream that ends so long before the device's newest segment is one of yesterday: its conditions are dropped. */
const staleStreamMs = 15 * 60_000;
/** A device with more streams at once is judged by the newest of them. */
const maxStreamCount = 16;

/** All conditions of a device: those of its streams, and `no-data`. */
export class DeviceHealth {
  readonly #streams = new Map<number, StreamHealth>();
  #noData: HeldCondition | undefined;

  /** What holds since an earlier run. */
  restore(held: HeldCondition): void {
    if (held.condition === noDataCondition) this.#noData = held;
    else this.#stream(held.evidence["stream_id"] ?? 0).restore(held);
  }

  /** True when no segment of the stream has been taken yet. */
  isNew(streamId: number): boolean {
    return (this.#streams.get(streamId)?.endMs ?? 0) === 0;
  }

  /** Levels of a stream's earlier segments: what is usual. */
  restoreLevels(streamId: number, levels: readonly { readonly startMs: number; readonly rmsDbfs: number }[]): void {
    this.#stream(streamId).restoreLevels(levels);
  }

  /** @returns whether a condition came to hold, or holds no more */
  take(facts: SegmentFacts): boolean {
    const stream = this.#stream(facts.streamId);
    const hasChanged = stream.take(facts);
    return this.#dropStale(stream.endMs) || hasChanged;
  }

  /** @returns whether that is news */
  setNoData(held: { readonly sinceMs: number; readonly evidence: Evidence } | undefined): boolean {
    const hasChanged = (this.#noData === undefined) !== (held === undefined);
    if (hasChanged) this.#noData = held && { condition: noDataCondition, ...held };
    return hasChanged;
  }

  /** What holds now, one entry a condition: of several streams the first that came to it. */
  get held(): readonly HeldCondition[] {
    const all = [...this.#streams].flatMap(([streamId, stream]) =>
      stream.held.map((held) => ({ ...held, evidence: { ...held.evidence, stream_id: streamId } })),
    );
    const byCondition = Map.groupBy([...all, ...(this.#noData ? [this.#noData] : [])], ({ condition }) => condition);
    return [...byCondition.values()].flatMap((entries) =>
      entries.toSorted((a, b) => a.sinceMs - b.sinceMs).slice(0, 1),
    );
  }

  #stream(streamId: number): StreamHealth {
    const known = this.#streams.get(streamId);
    if (known !== undefined) return known;
    const stream = new StreamHealth();
    this.#streams.set(streamId, stream);
    return stream;
  }

  /**
   * @param newestMs - end of the stream that was heard of last: others may still stand at what a clock said that was set
   *   back since
   * @returns whether conditions went with them
   */
  #dropStale(newestMs: number): boolean {
    for (const stream of this.#streams.values()) stream.await(newestMs);
    const stale = [...this.#streams]
      .toSorted(([, a], [, b]) => b.aliveMs - a.aliveMs)
      .filter(([, { aliveMs }], index) => index >= maxStreamCount || aliveMs < newestMs - staleStreamMs);
    for (const [streamId] of stale) this.#streams.delete(streamId);
    return stale.some(([, { held }]) => held.length > 0);
  }
}
