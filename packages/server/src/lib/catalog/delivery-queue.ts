import type { EventType, ServerEvent } from "../kernel/server-event.ts";

/** Who gets events: a webhook, or the command that is run per segment. */
export interface EventTarget {
  /** Stays the same over restarts: a new one starts with the next event, not with old ones. */
  readonly target: string;
  readonly types: readonly EventType[];
  /** Default: all devices. */
  readonly hwids?: readonly string[];
}

/** An event on its way to one target. */
export interface EventDelivery {
  readonly deliveryId: number;
  readonly target: string;
  readonly event: ServerEvent;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** When the first attempt failed, ms since 1970; `null` before. */
  readonly firstFailedMs: number | null;
}

/** Why an attempt failed. */
export interface DeliveryFailure {
  /** For people: status, message. */
  readonly reason: string;
  /** When the next one is due, ms since 1970; `null`: no more, it goes to the dead letters. */
  readonly nextTryMs: number | null;
}

/** A delivery that was given up. */
export interface DeadLetter extends EventDelivery {
  readonly reason: string;
  readonly diedMs: number;
}

/** Which deliveries that wait are given up, oldest first: those that both conditions name. */
export interface GivingUp {
  /** As many stay. Default 0. */
  readonly keepCount?: number;
  /** Only events from before it, ms since 1970. Default: all. */
  readonly beforeMs?: number;
  /** For people; stands in the dead letters. */
  readonly reason: string;
}

/** Deliveries of one target. */
export interface DeliveryCounts {
  readonly target: string;
  readonly pending: number;
  readonly dead: number;
  /** When the oldest pending event was written, ms since 1970; `undefined` when none waits. */
  readonly oldestPendingMs: number | undefined;
}

/**
 * The durable queue of deliveries, a table of the catalogue: a row per event and target that wants it, written in the
 * event's transaction. Synchronous and fast but for replays, like the queue of uploads. Of one device only the oldest delivery to a
 * target is ever claimed, so that each target sees a device's events in order.
 */
export interface DeliveryQueue {
  /** Says which targets there are; deliveries to others are dropped. To be called once, before the first claim. */
  setTargets(targets: readonly EventTarget[]): void;
  /** Says it again, while those that stay are being delivered to. */
  changeTargets(targets: readonly EventTarget[]): void;
  /** Takes up to `limit` deliveries to a target that are due by `nowMs` and not claimed yet, oldest first. */
  claim(target: string, limit: number, nowMs: number): readonly EventDelivery[];
  /** Claimed > gone. */
  markDelivered(deliveryIds: readonly number[]): void;
  /** Claimed > waiting for the next try, or dead. */
  markFailed(deliveryId: number, failure: DeliveryFailure): void;
  /** Claimed > waiting at its old place, without counting an attempt (a stop). */
  release(deliveryIds: readonly number[]): void;
  /**
   * Waiting > dead, of one target; what is claimed stays. Any number, some at a time: the process goes on in between.
   *
   * @returns how many
   * @throws StorageError `SHUTTING_DOWN` when the catalogue is closed meanwhile: the rest still waits
   */
  giveUp(target: string, which: GivingUp): Promise<number>;
  /** When the next delivery is due, ms since 1970; `undefined` when none waits. */
  nextDueMs(target: string): number | undefined;
  counts(): readonly DeliveryCounts[];
  /** Oldest first; those behind `afterId`, a delivery's. */
  deadLetters(filter: {
    readonly target?: string;
    readonly afterId?: number;
    readonly limit: number;
  }): readonly DeadLetter[];
  /**
   * Puts dead letters back: they are due at once. Any number, some at a time: the process goes on in between.
   *
   * @returns how many
   * @throws StorageError `SHUTTING_DOWN` when the catalogue is closed meanwhile: the rest stays dead
   */
  replayDead(filter: { readonly target?: string; readonly deliveryIds?: readonly number[] }): Promise<number>;
  /**
   * Queues events of the log again for a target, those that its types and devices match. Any number, as above.
   *
   * @returns how many
   */
  replayLog(target: string, range: { readonly fromId: number; readonly toId: number }): Promise<number>;
}
