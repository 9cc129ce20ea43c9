import { toError } from "./errors.ts";
import type { Log } from "./log.ts";

/** Parts that were opened in order and are closed in reverse. */
export class ClosingStack {
  readonly #log: Log;
  readonly #timeoutMs: number;
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;

  /** @param timeoutMs - longest wait for one part; a disk that is full holds up a recorder for as long as it is */
  constructor(log: Log, timeoutMs: number) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** Notes how a part that was just opened is closed. @returns the part */
  add<T>(part: T, close: (part: T) => unknown): T {
    this.#closers.push(() => close(part));
    return part;
  }

  /** Closes all, last opened first; one that fails keeps no other from it. Idempotent, never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) {
      try {
        await this.#withinTimeout(close());
      } catch (thrown) {
        this.#log.error({ error: toError(thrown).message }, "a part did not close cleanly");
      }
    }
  }

  async #withinTimeout(closing: unknown): Promise<void> {
    const late = Promise.withResolvers<never>();
    const error = new Error(`a part did not close within ${this.#timeoutMs} ms: what it holds is left as it is`);
    const timer = setTimeout(() => late.reject(error), this.#timeoutMs);
    try {
      await Promise.race([closing, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
