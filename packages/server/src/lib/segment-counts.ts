import type { ServerFigures } from "./api/metrics/server-figures.ts";
import type { RetentionQueue } from "./catalog/retention-queue.ts";
import type { Clock } from "./kernel/clock.ts";

/** Figures so old are good enough: they are added up from all devices. */
const maxAgeMs = 10_000;

/** Segments of the catalogue by place, counted anew every 10 s at the most. */
export class SegmentCounts {
  readonly #queue: Pick<RetentionQueue, "totals">;
  readonly #clock: Clock;
  #counts: ServerFigures["segments"] = { local: 0, evicted: 0 };
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(queue: Pick<RetentionQueue, "totals">, clock: Clock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  read(): ServerFigures["segments"] {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#countedMs >= maxAgeMs) {
      const { segmentCount, localSegmentCount } = this.#queue.totals();
      this.#counts = { local: localSegmentCount, evicted: segmentCount - localSegmentCount };
      this.#countedMs = nowMs;
    }
    return this.#counts;
  }
}
