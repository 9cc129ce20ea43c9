import type { Clock } from "../kernel/clock.ts";
import { DelayQueue } from "../kernel/delay-queue.ts";

/** `DelayQueue` may be early by its tick, an ack must not. [P-2.6] */
const slackMs = 25;
/** What a sync and the frame log's commit take as a rule. */
const syncMs = 150;
/** Shorter ones leave no time for a flush of their own. */
const minFlushIntervalMs = 2 * syncMs;

/** Time between two acks of a connection, one timer for all. */
export class AckIntervals {
  /** From an ack to the flush for the next one; `undefined` when syncs come often enough by themselves. */
  readonly beforeFlush: DelayQueue | undefined;
  /** From that flush, or else from an ack, to the moment from which the next ack may go. */
  readonly beforeAck: DelayQueue;

  /**
   * @param ackIntervalMs - acks come at most this often
   * @param flushIntervalMs - frames are synced at least this often
   */
  constructor(clock: Clock, { ackIntervalMs, flushIntervalMs }: { ackIntervalMs: number; flushIntervalMs: number }) {
    const isPaced = ackIntervalMs >= flushIntervalMs && ackIntervalMs >= minFlushIntervalMs;
    this.beforeFlush = isPaced ? new DelayQueue(clock, ackIntervalMs - syncMs) : undefined;
    // A part that is early by a tick makes up for that with the other's slack.
    this.beforeAck = new DelayQueue(clock, isPaced ? syncMs + 2 * slackMs : ackIntervalMs + slackMs);
  }

  /** Stops the timers. */
  close(): void {
    this.beforeFlush?.close();
    this.beforeAck.close();
  }
}
