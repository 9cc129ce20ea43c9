import type { Clock } from "../kernel/clock.ts";
import type { UploadThroughput } from "../kernel/upload-throughput.ts";

const slotMs = 10_000;
const minuteMs = 60_000;
const minuteCount = 60;
const slotsPerMinute = minuteMs / slotMs;

/** Counts what is uploaded, for an hour. */
export class UploadMeter {
  readonly #clock: Clock;
  readonly #startedMs: number;
  /** By the 10 s in which it was stored. */
  readonly #slots = new Map<number, { files: number; bytes: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** An upload was verified. */
  note(bytes: number): void {
    const at = this.#slotNow();
    const slot = this.#slots.get(at) ?? { files: 0, bytes: 0 };
    if (slot.files === 0) this.#forget(at);
    this.#slots.set(at, { files: slot.files + 1, bytes: slot.bytes + bytes });
  }

  /** What of it is not older than an hour. */
  read(): UploadThroughput {
    const now = this.#slotNow();
    const minutes = Array.from({ length: minuteCount }, () => ({ files: 0, bytes: 0 }));
    for (const [at, { files, bytes }] of this.#slots) {
      const minute = minutes[minuteCount - 1 - Math.floor((now - at) / slotsPerMinute)];
      if (minute === undefined) continue;
      minute.files += files;
      minute.bytes += bytes;
    }
    const spanMs = Math.min(minuteCount * minuteMs, this.#clock.monotonicMs() - this.#startedMs);
    const lastS = Math.min(minuteMs, Math.max(slotMs, spanMs)) / 1000;
    return { bytesPerS: (minutes.at(-1)?.bytes ?? 0) / lastS, minutes, spanMs };
  }

  #slotNow(): number {
    return Math.floor(this.#clock.monotonicMs() / slotMs);
  }

  #forget(now: number): void {
    for (const at of this.#slots.keys()) if (at <= now - minuteCount * slotsPerMinute) this.#slots.delete(at);
  }
}
