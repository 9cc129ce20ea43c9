/** Devices that are read at once: what is asked for beside them goes on. */
const maxReadCount = 3;
/** Scrolling passes many devices: only those that stay are read. */
const restMs = 300;
/** Until what was not written yet is: the server makes safe what it received once a second. */
const againMs = 1_500;
/** The same device is not wanted again so soon, unless it left the screen meanwhile. */
const pauseMs = 5_000;
const maxTryCount = 3;

/** Reads what was recorded of a device. @returns whether that is all: false when a little of it can be had later */
export type ReadMinute = (hwid: string, signal: AbortSignal) => Promise<boolean>;

interface Waiting {
  readonly dueMs: number;
  readonly tryCount: number;
}

/** Has the last minute read of devices that came on screen, a few at a time, in the order of the screen. */
export class MinuteLookup {
  readonly #read: ReadMinute;
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, AbortController>();
  /** When each on screen was last wanted. */
  readonly #wantedMs = new Map<string, number>();
  /** Reads that are not over, those that were dropped included: the server may still be at them. */
  #readCount = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(read: ReadMinute) {
    this.#read = read;
  }

  /** Wants devices whose last minute is not known. */
  want(hwids: readonly string[]): void {
    const nowMs = Date.now();
    for (const hwid of hwids) {
      if (nowMs - (this.#wantedMs.get(hwid) ?? 0) < pauseMs) continue;
      this.#wantedMs.set(hwid, nowMs);
      if (!this.#running.has(hwid)) this.#waiting.set(hwid, { dueMs: nowMs + restMs, tryCount: 0 });
    }
    this.#schedule();
  }

  /** Drops what is not on screen any more. */
  show(hwids: readonly string[]): void {
    const shown = new Set(hwids);
    for (const hwid of this.#wantedMs.keys()) {
      if (shown.has(hwid)) continue;
      this.#wantedMs.delete(hwid);
      this.#waiting.delete(hwid);
      this.#running.get(hwid)?.abort();
      this.#running.delete(hwid);
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0 || this.#readCount >= maxReadCount) return;
    const dueMs = Math.min(...[...this.#waiting.values()].map((waiting) => waiting.dueMs));
    this.#timer = setTimeout(() => this.#start(), Math.max(0, dueMs - Date.now()));
  }

  #start(): void {
    const nowMs = Date.now();
    for (const [hwid, { dueMs, tryCount }] of this.#waiting) {
      if (this.#readCount >= maxReadCount) break;
      if (dueMs > nowMs) continue;
      this.#waiting.delete(hwid);
      void this.#run(hwid, tryCount + 1);
    }
    this.#schedule();
  }

  /** A failure is no more than a line of dots: it is tried again, and then left. */
  async #run(hwid: string, tryCount: number): Promise<void> {
    const abort = new AbortController();
    this.#running.set(hwid, abort);
    this.#readCount += 1;
    const isWhole = await this.#read(hwid, abort.signal).catch(() => false);
    this.#readCount -= 1;
    if (!abort.signal.aborted) {
      this.#running.delete(hwid);
      if (!isWhole && tryCount < maxTryCount) this.#waiting.set(hwid, { dueMs: Date.now() + againMs, tryCount });
    }
    this.#schedule();
  }
}
