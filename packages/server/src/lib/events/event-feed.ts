import type { EventLog } from "../catalog/event-log.ts";
import type { EventType, ServerEvent } from "../kernel/server-event.ts";

/** Events that one look at the log gives: what a slow reader holds in memory. */
const pageLength = 256;

/** Which events a reader wants. */
export interface FeedFilter {
  /** Default: all. */
  readonly types?: readonly EventType[];
  /** Default: all, those of no device included. */
  readonly hwid?: string;
}

/** Follows the event log: what is in it, then what comes. */
export class EventFeed {
  readonly #log: Pick<EventLog, "read" | "lastId" | "subscribe">;

  constructor(log: Pick<EventLog, "read" | "lastId" | "subscribe">) {
    this.#log = log;
  }

  /**
   * Events with ids above `afterId`, each once and in order, for ever. They are read from the log when they are asked
   * for, so a slow reader holds up nobody and costs one page of memory; one that comes later than the log is kept misses
   * what was deleted.
   *
   * @param afterId - the last id that the reader has; 0 for all
   * @param signal - ends it, without an error
   * @throws StorageError when the log cannot be read
   */
  async *follow(afterId: number, filter: FeedFilter, signal: AbortSignal): AsyncGenerator<ServerEvent, void, void> {
    let wake = Promise.withResolvers<void>();
    const onNews = () => wake.resolve();
    const unsubscribe = this.#log.subscribe(onNews);
    signal.addEventListener("abort", onNews, { once: true });
    try {
      let cursor = afterId;
      while (!signal.aborted) {
        // Taken before the look: what is appended meanwhile brings another one.
        const news = wake;
        const { lastId } = this.#log;
        const events = await this.#log.read({ afterId: cursor, limit: pageLength, ...filter });
        for (const event of events) {
          if (signal.aborted) return;
          yield event;
          cursor = event.id;
        }
        if (events.length === pageLength) continue;
        // Nothing of it was wanted: not to be looked through again.
        cursor = Math.max(cursor, lastId);
        await news.promise;
        wake = Promise.withResolvers();
      }
    } finally {
      signal.removeEventListener("abort", onNews);
      unsubscribe();
    }
  }
}
