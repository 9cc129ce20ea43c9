import type { destination } from "pino";
import { systemErrorCode } from "./kernel/errors.ts";

type Target = ReturnType<typeof destination>;

/** Longest time for which a line waits. */
const gatherMs = 25;
/** By it pino knows a target that wants to be told. */
const tellsLevel: unique symbol = Symbol.for("pino.metadata");
/** Level of warnings, as pino counts. */
const warnLevel = 40;

/**
 * Where a log's lines go: those that come one upon the other are written together, as each write is a trip to a thread
 * and back. One that comes after a pause goes at once, and so do warnings and errors, with what waits in front of them.
 */
export class GatheredLines {
  /** Makes pino tell {@link lastLevel} before each line. */
  readonly [tellsLevel] = true;
  lastLevel = 0;
  readonly #target: Target;
  #unwrittenBytes = 0;
  /** What waits is to be written as soon as it can be. */
  #isDue = false;
  #isBroken = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param target - asynchronous, with a `minLength`; it writes what is left when the process ends */
  constructor(target: Target) {
    this.#target = target;
    target.on("write", (byteCount) => {
      this.#unwrittenBytes -= byteCount;
    });
    target.on("drain", () => {
      if (this.#isDue) this.#flush();
    });
    target.on("error", (error) => {
      if (systemErrorCode(error) !== "EPIPE") throw error;
      // Nobody reads any more.
      this.#isBroken = true;
    });
  }

  /** @param line - with its line break */
  write(line: string): void {
    if (this.#isBroken) return;
    this.#unwrittenBytes += Buffer.byteLength(line);
    this.#target.write(line);
    if (this.#timer === undefined || this.lastLevel >= warnLevel) this.#flush();
    this.#timer ??= setTimeout(() => this.#onTime(), gatherMs).unref();
  }

  #onTime(): void {
    this.#timer = undefined;
    if (this.#unwrittenBytes === 0 || this.#isBroken) return;
    this.#timer = setTimeout(() => this.#onTime(), gatherMs).unref();
    this.#flush();
  }

  #flush(): void {
    // While it writes it takes no order: it is asked again behind that write.
    this.#isDue = this.#unwrittenBytes > 0;
    if (this.#isDue) this.#target.flush();
  }
}
