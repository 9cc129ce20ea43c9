import type { Catalog, OpenSession } from "./catalog/catalog.ts";
import type { Finisher } from "./finishing/finisher.ts";
import type { Clock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";

const lookIntervalMs = 10 * 60_000;
const pageLength = 1_000;

export interface AbandonedSessionsOptions {
  readonly catalog: Pick<Catalog, "openSessions" | "endSession">;
  readonly finisher: Pick<Finisher, "hasFailed">;
  /** True for a session that this run records, or whose end it is about to catalogue. */
  readonly isLive: (session: string) => boolean;
  /** How long an acknowledged session without a connection can be resumed. [P-2.4] */
  readonly resumeTtlMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends the sessions that a run before this one left without an end, because it was killed: plain ones at once, nobody
 * can go on with them; acknowledged ones when they cannot be resumed any longer. They ended when they were last heard.
 */
export class AbandonedSessions {
  readonly #options: AbandonedSessionsOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: AbandonedSessionsOptions) {
    this.#options = options;
  }

  /** Looks now and every ten minutes. To be called when what an earlier run left is catalogued. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), lookIntervalMs);
    void this.look();
  }

  /** Ends what is to be ended. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  /** Looks, if it has begun to. Never rejects. */
  async lookAgain(): Promise<void> {
    if (this.#timer !== undefined) await this.look();
  }

  /** Stops looking; resolves when the look at work is through. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { catalog, log } = this.#options;
    let endedCount = 0;
    try {
      let after = "";
      for (;;) {
        const page = await catalog.openSessions(after, pageLength);
        const abandoned = page.filter((session) => this.#isAbandoned(session));
        await Promise.all(abandoned.map(({ session, lastActiveMs }) => catalog.endSession(session, lastActiveMs)));
        endedCount += abandoned.length;
        if (page.length < pageLength) break;
        after = page.at(-1)?.session ?? "";
      }
    } catch (thrown) {
      log.warn({ error: toError(thrown).message }, "sessions that a kill left open are not ended: tried again later");
    }
    if (endedCount > 0) log.info({ sessions: endedCount }, "sessions that were left open have ended");
  }

  #isAbandoned({ session, isAcked, lastActiveMs }: OpenSession): boolean {
    const { isLive, finisher, resumeTtlMs, clock } = this.#options;
    // Of one that failed, segments are still to come.
    if (isLive(session) || finisher.hasFailed(session)) return false;
    return !isAcked || clock.wallMs() - lastActiveMs > resumeTtlMs;
  }
}
