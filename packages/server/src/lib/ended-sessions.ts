import { setTimeout as delay } from "node:timers/promises";
import type { Catalog } from "./catalog/catalog.ts";
import { isPassing } from "./finishing/finish-outcome.ts";
import type { Finisher } from "./finishing/finisher.ts";
import type { Clock } from "./kernel/clock.ts";
import { LimitError, toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { EndedSession } from "./recording/deliveries.ts";

/** How long what keeps a session from being told is waited for, and how often it is looked at. */
export interface Patience {
  readonly lookIntervalMs: number;
  readonly limitMs: number;
}

/** Less than a connection waits for its answer. */
const defaultPatience: Patience = { lookIntervalMs: 500, limitMs: 30_000 };

export interface EndedSessionsOptions {
  readonly catalog: Pick<Catalog, "resumePoint" | "uploadedNext">;
  readonly finisher: Pick<Finisher, "settled" | "hasFailed" | "willRetry">;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: 30 s, looked at every 500 ms. */
  readonly patience?: Patience;
}

/**
 * Takes what a recovery has listed: sessions with a segment that could not be read; `undefined` when it stopped before, then
 * no session can be trusted to be known whole.
 */
export type Listed = (unrecovered: ReadonlySet<string> | undefined) => void;

/** Where acknowledged sessions stand that nobody records at the moment: what the catalogue knows of them. [P-2.7] */
export class EndedSessions {
  readonly #options: EndedSessionsOptions;
  /** Recoveries that have not listed yet what was left. */
  readonly #listings = new Set<Promise<void>>();
  readonly #unrecovered = new Set<string>();
  #isAnyUnrecovered = false;
  /** Tells that every segment which an earlier run has left is known to the finisher. */
  readonly listed: Listed;

  constructor(options: EndedSessionsOptions) {
    this.#options = options;
    this.listed = this.expect();
  }

  /** A run has left segments: until they are listed no session is told. @returns to be called when they are */
  expect(): Listed {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#listings.add(promise);
    return (unrecovered) => {
      // Told twice, it is the first that counts.
      if (!this.#listings.delete(promise)) return;
      if (unrecovered === undefined) this.#isAnyUnrecovered = true;
      for (const session of unrecovered ?? []) this.#unrecovered.add(session);
      resolve();
    };
  }

  /**
   * Waits until what is still being finished of the session is catalogued, and for a while for what fails meanwhile for a
   * reason that passes: a device that was given a new session would send again what is stored.
   *
   * @returns `undefined` when the session is not known, or not whole for good: going on with it could take frames twice
   * @throws LimitError RECOVERING when it could not be told in that time: the device is to ask again [P-2.8]
   */
  async find(session: string): Promise<EndedSession | undefined> {
    const { clock, patience = defaultPatience } = this.#options;
    while (this.#listings.size > 0) await Promise.all(this.#listings);
    if (this.#isAnyUnrecovered || this.#unrecovered.has(session)) return undefined;
    const startMs = clock.monotonicMs();
    for (;;) {
      const found = await this.#look(session);
      if (found !== "later") return found;
      const waitMs = clock.monotonicMs() - startMs;
      if (waitMs >= patience.limitMs) {
        throw new LimitError("RECOVERING", `the disk keeps the session from being told for ${Math.round(waitMs)} ms`);
      }
      // The process may end meanwhile: the device asks the next one.
      await delay(patience.lookIntervalMs, undefined, { ref: false });
    }
  }

  async #look(session: string): Promise<EndedSession | undefined | "later"> {
    const { catalog, finisher, log } = this.#options;
    await finisher.settled(session);
    if (finisher.hasFailed(session)) return finisher.willRetry(session) ? "later" : undefined;
    try {
      const point = await catalog.resumePoint(session);
      return point && { point, uploadedNext: await catalog.uploadedNext(session) };
    } catch (thrown) {
      const error = toError(thrown);
      if (isPassing(error)) return "later";
      log.warn({ session, error: error.message }, "session cannot be looked up: the device starts a new one");
      return undefined;
    }
  }
}
