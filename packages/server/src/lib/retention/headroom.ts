import type { RecentBytes } from "../catalog/retention-queue.ts";
import type { Clock } from "../kernel/clock.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Adding up what is held takes some milliseconds where there are many devices. */
const freshMs = 5_000;

/** What was held at a time. */
interface Sample {
  /** By the monotonic clock. */
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * How fast the disk fills: by how much what is held has grown within the last hour, recorded less removed. Where quotas or
 * evictions take as much as comes, it does not fill.
 */
export class Headroom {
  readonly #clock: Clock;
  readonly #heldBytes: () => number;
  /** One a minute, oldest first; only the first may be more than an hour old. */
  readonly #samples: Sample[] = [];
  #newest: Sample;

  /**
   * @param recent - what the catalogue says of the hour before, by the wall clock; without bytes: nothing is known of it
   * @param heldBytes - what is held now; default: nothing is removed or added besides `recent`
   */
  constructor(clock: Clock, recent: RecentBytes, heldBytes: () => number = () => 0) {
    this.#clock = clock;
    this.#heldBytes = heldBytes;
    this.#newest = this.#read();
    const { atMs, bytes } = this.#newest;
    const agoMs = recent.bytes === 0 ? 0 : Math.min(hourMs, Math.max(minuteMs, clock.wallMs() - recent.sinceMs));
    const count = Math.round(agoMs / minuteMs);
    for (let ago = count; ago > 0; ago -= 1)
      this.#samples.push({ atMs: atMs - (agoMs * ago) / count, bytes: bytes - (recent.bytes * ago) / count });
    this.#samples.push(this.#newest);
  }

  /** Looks at what is held; to be called once a minute. */
  sample(): void {
    this.#newest = this.#read();
    this.#samples.push(this.#newest);
    const lastMs = this.#newest.atMs - hourMs;
    for (let second = this.#samples[1]; second !== undefined && second.atMs <= lastMs; second = this.#samples[1])
      this.#samples.shift();
  }

  /** How much of the last hour is known, s: 3 600 at most. */
  get knownS(): number {
    return Math.floor(Math.min(hourMs, this.#spanMs) / 1000);
  }

  /** Negative where more goes than comes; `undefined` in the first minute of which anything is known. */
  get bytesPerHour(): number | undefined {
    if (this.#spanMs < minuteMs) return undefined;
    if (this.#clock.monotonicMs() - this.#newest.atMs >= freshMs) this.#newest = this.#read();
    return ((this.#newest.bytes - this.#first.bytes) / this.#spanMs) * hourMs;
  }

  /**
   * Time until so many bytes more are held at the present rate.
   *
   * @returns `undefined` while the rate is not known, `Infinity` when what is held does not grow
   */
  hoursUntil(bytes: number): number | undefined {
    const rate = this.bytesPerHour;
    if (rate === undefined) return undefined;
    return rate <= 0 ? Infinity : Math.max(0, bytes) / rate;
  }

  get #first(): Sample {
    return this.#samples[0] ?? this.#newest;
  }

  get #spanMs(): number {
    return this.#clock.monotonicMs() - this.#first.atMs;
  }

  #read(): Sample {
    return { atMs: this.#clock.monotonicMs(), bytes: this.#heldBytes() };
  }
}
