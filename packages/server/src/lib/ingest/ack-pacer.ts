import { formatServerMessage } from "@eet/protocol";
import type { Delayed } from "../kernel/delay-queue.ts";
import type { AckIntervals } from "./ack-intervals.ts";
import type { Delivery, DeliveryProgress } from "./session-sink.ts";

/** What a pacer tells of: the delivery that the connection holds now. */
export type PacedDelivery = Pick<Delivery, "progress" | "expectFlush" | "flush">;

/**
 * Sends a connection's acks: only when something moved, and at most one per interval. [P-2.6] Has frames synced shortly
 * before the next ack may go: with a rhythm of their own, syncs would wait up to an interval for their ack.
 */
export class AckPacer implements Delayed {
  readonly #send: (message: Uint8Array) => boolean;
  readonly #intervals: AckIntervals;
  readonly #delivery: () => PacedDelivery;
  /** What the device knows; `undefined` when it is to be told whatever there is. */
  #told: DeliveryProgress | undefined;
  /** Whether the interval since the last ack runs, and where it is. */
  #state: "idle" | "before-flush" | "before-ack" = "idle";
  /** Something may have moved meanwhile. */
  #isStale = false;
  /** The device sends faster than it may for long. */
  #isTooFast = false;
  #toldTooFast = false;
  #isEnded = false;

  /**
   * @param send - false when the message could not be sent: it is then made up for after an interval
   * @param intervals - shared by all connections
   * @param delivery - asked for what can be told now
   */
  constructor(send: (message: Uint8Array) => boolean, intervals: AckIntervals, delivery: () => PacedDelivery) {
    this.#send = send;
    this.#intervals = intervals;
    this.#delivery = delivery;
    this.#told = delivery().progress;
  }

  /** The device has come back to a session: it learns at once what it may forget. */
  restart(): void {
    this.#told = undefined;
    this.look();
  }

  /** The device sends faster than it may for long, or does so no more: it is told, whatever else moves. */
  slow(isTooFast: boolean): void {
    if (isTooFast === this.#isTooFast) return;
    this.#isTooFast = isTooFast;
    this.look();
  }

  /** Something may have moved. */
  look(): void {
    if (this.#state !== "idle") {
      this.#isStale = true;
      return;
    }
    if (!this.conclude()) return;
    const { beforeFlush, beforeAck } = this.#intervals;
    this.#state = beforeFlush === undefined ? "before-ack" : "before-flush";
    (beforeFlush ?? beforeAck).schedule(this);
    if (beforeFlush !== undefined) this.#delivery().expectFlush(beforeFlush.delayMs);
  }

  /** A part of the interval is over. */
  delayOver(): void {
    if (this.#isEnded) return;
    if (this.#state === "before-flush") {
      this.#state = "before-ack";
      this.#intervals.beforeAck.schedule(this);
      void this.#delivery().flush();
      return;
    }
    this.#state = "idle";
    if (!this.#isStale) return;
    this.#isStale = false;
    this.look();
  }

  /** Tells what has moved, whatever the interval. @returns whether anything had */
  conclude(): boolean {
    const { progress } = this.#delivery();
    const hasNews = this.#isTooFast !== this.#toldTooFast || hasMoved(this.#told, progress);
    if (this.#isEnded || !hasNews) return false;
    this.acknowledge(progress);
    return true;
  }

  /** Sends an ack. */
  acknowledge(progress: DeliveryProgress = this.#delivery().progress): void {
    if (this.#isEnded) return;
    const { durableNext, receivedNext, uploadedNext, isPersisting, isBehind, duplicateCount } = progress;
    const hasDuplicates = duplicateCount > (this.#told?.duplicateCount ?? 0);
    const message = formatServerMessage({
      ...{ kind: "ack", durableNext, receivedNext, uploadedNext },
      ...{ isNotPersisting: !isPersisting, isSlowDown: isBehind || this.#isTooFast, hasDuplicates },
    });
    if (!this.#send(message)) {
      // A device whose buffer is full sends nothing before it is told: nothing else would be a reason to look again.
      this.#isStale = true;
      return;
    }
    this.#told = progress;
    this.#toldTooFast = this.#isTooFast;
  }

  /** Sends nothing any more. */
  end(): void {
    this.#isEnded = true;
  }
}

/** More frames alone are no news: they become some when they are durable. */
function hasMoved(told: DeliveryProgress | undefined, now: DeliveryProgress): boolean {
  return (
    told === undefined ||
    told.durableNext !== now.durableNext ||
    told.uploadedNext !== now.uploadedNext ||
    told.duplicateCount !== now.duplicateCount ||
    told.isPersisting !== now.isPersisting ||
    told.isBehind !== now.isBehind
  );
}
