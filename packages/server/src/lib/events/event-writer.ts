import { setTimeout as delay } from "node:timers/promises";
import type { EventLog } from "../catalog/event-log.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { NewEvent } from "../kernel/server-event.ts";

/** Events that one transaction takes. */
const maxBatchLength = 1_000;
/** Events that wait while the catalogue cannot be written, as on a full disk; of more the oldest are dropped. */
const defaultMaxWaitingCount = 100_000;
const defaultRetryMs = 5_000;

/** How it waits. */
export interface EventWriterLimits {
  /** Wait after a failure. Default 5 s. */
  readonly retryMs?: number;
  /** Events that wait; of more the oldest are dropped. Default 100 000. */
  readonly maxWaitingCount?: number;
}

/** Writes events that come with no other change of the catalogue, in the order in which they came about. */
export class EventWriter {
  readonly #events: Pick<EventLog, "append">;
  readonly #log: Log;
  readonly #retryMs: number;
  readonly #maxWaitingCount: number;
  readonly #closing = new AbortController();
  #waiting: NewEvent[] = [];
  /** Since they could last be written. */
  #droppedCount = 0;
  #writing: Promise<void> | undefined;

  constructor(events: Pick<EventLog, "append">, log: Log, limits: EventWriterLimits = {}) {
    this.#events = events;
    this.#log = log;
    this.#retryMs = limits.retryMs ?? defaultRetryMs;
    this.#maxWaitingCount = limits.maxWaitingCount ?? defaultMaxWaitingCount;
  }

  /** Takes an event; those that come while others are written go together. */
  write(event: NewEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > this.#maxWaitingCount) this.#dropOldest();
    this.#writing ??= this.#writeAll();
  }

  /** Tries once more to write what waits, then no longer. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  #dropOldest(): void {
    this.#waiting.shift();
    this.#droppedCount += 1;
    if (this.#droppedCount > 1) return;
    const waiting = this.#maxWaitingCount;
    this.#log.error({ waiting }, "too many events wait to be written: the oldest are lost from now on");
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    let isFailing = false;
    while (this.#waiting.length > 0) {
      const isLast = this.#closing.signal.aborted;
      const batch = this.#waiting.slice(0, maxBatchLength);
      try {
        await this.#events.append(batch);
        const written = new Set(batch);
        this.#waiting = this.#waiting.filter((event) => !written.has(event));
        isFailing = false;
        if (this.#droppedCount > 0)
          this.#log.error({ events: this.#droppedCount }, "events lost while none could be written");
        this.#droppedCount = 0;
      } catch (thrown) {
        const waiting = this.#waiting.length;
        const error = toError(thrown).message;
        if (!isFailing) this.#log.warn({ events: waiting, error }, "events not written; tried again");
        isFailing = true;
        if (isLast) {
          this.#log.error({ events: waiting + this.#droppedCount, error }, "events lost: the server stops");
          break;
        }
        await delay(this.#retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
    this.#writing = undefined;
  }
}
