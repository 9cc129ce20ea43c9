import { toError } from "./errors.ts";
import type { Log } from "./log.ts";

/** Parts that were opened in order and are closed in reverse. */
export class ClosingStack {
  readonly #log: Log;
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
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
        await close();
      } catch (thrown) {
        this.#log.error({ error: toError(thrown).message }, "a part did not close cleanly");
      }
    }
  }
}
