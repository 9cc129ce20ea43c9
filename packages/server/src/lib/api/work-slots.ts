import { LimitError } from "../kernel/errors.ts";

export interface WorkSlotsOptions {
  /** How much runs at once; asked for each time. */
  readonly maxCount: () => number;
  /** How much may wait for its turn, see {@link WorkSlots.queue}; default none. */
  readonly maxWaitingCount?: () => number;
  /** Of the refusal. */
  readonly code: "EXPORT_LIMIT" | "PICTURE_LIMIT";
  /** Completes "16 of 16 ...". */
  readonly what: string;
}

/** Gives a slot back; may be called more than once. */
export type ReleaseSlot = () => void;

/** Bounds how much of something runs at once, and how much waits for it. */
export class WorkSlots {
  readonly #options: WorkSlotsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #count = 0;

  constructor(options: WorkSlotsOptions) {
    this.#options = options;
  }

  /** Slots that are taken. */
  get count(): number {
    return this.#count;
  }

  /** @throws LimitError with the options' code when all are taken */
  take(): ReleaseSlot {
    if (this.#isFull) throw this.#refuse("");
    return this.#grant();
  }

  /**
   * Takes a slot, in turn.
   *
   * @param signal - gives the turn up
   * @throws LimitError with the options' code when as many wait as may; the signal's reason
   */
  async queue(signal: AbortSignal): Promise<ReleaseSlot> {
    signal.throwIfAborted();
    if (!this.#isFull) return this.#grant();
    if (this.#waiting.size >= (this.#options.maxWaitingCount?.() ?? 0))
      throw this.#refuse(`, and ${this.#waiting.size} wait`);
    const { promise, resolve, reject } = Promise.withResolvers<ReleaseSlot>();
    const begin = () => {
      signal.removeEventListener("abort", giveUp);
      resolve(this.#grant());
    };
    const giveUp = () => {
      this.#waiting.delete(begin);
      reject(signal.reason);
    };
    this.#waiting.add(begin);
    signal.addEventListener("abort", giveUp, { once: true });
    return await promise;
  }

  get #isFull(): boolean {
    return this.#count >= this.#options.maxCount();
  }

  #grant(): ReleaseSlot {
    this.#count += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count -= 1;
      this.#beginNext();
    };
  }

  #beginNext(): void {
    for (const next of this.#waiting) {
      if (this.#isFull) return;
      this.#waiting.delete(next);
      next();
    }
  }

  #refuse(rest: string): LimitError {
    const { code, maxCount, what } = this.#options;
    return new LimitError(code, `${this.#count} of ${maxCount()} ${what}${rest}`);
  }
}
