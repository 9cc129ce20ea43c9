import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { EventType, NewEvent } from "../kernel/server-event.ts";
import type { SegmentRow } from "./catalog-reader.ts";

/** A range of a device's time line that stays, whatever retention says. All times are ms since 1970. */
export interface Pin {
  readonly id: number;
  /** `null`: recorded without an id. */
  readonly hwid: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly note: string;
  readonly createdMs: number;
}

/** State of one condition of a device's health, kept over restarts. */
export interface HealthState {
  readonly hwid: string;
  /** Such as `dead` or `clipping`. */
  readonly condition: string;
  readonly sinceMs: number;
  /** Numbers that show it. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What is to be deleted everywhere. */
export interface DeletionOrder {
  readonly segmentIds: readonly number[];
  /** For people and the event: `retention: older than 30 days`, or what the caller of the API gave. */
  readonly reason: string;
}

/** A segment whose row is gone, while its files or objects may still stand. */
export interface PendingDeletion {
  readonly id: number;
  readonly name: string;
  readonly folder: string;
  /** `null`: recorded without an id. */
  readonly hwid: string | null;
  /** Keys of objects that stood in the object store when the row went. */
  readonly keys: readonly string[];
  /** Kinds whose upload was begun and never verified: an object may stand under the key they would have got. */
  readonly unverifiedKinds: readonly SegmentFileKind[];
}

/** What people and policies say of recordings: not derived, so `eet reindex` takes it over from the old catalogue. */
export interface Annotations {
  /**
   * Name and tags of a device; what is not given stays.
   *
   * @param connectedSinceMs - of a device that is connected: it is made known, though nothing is recorded yet
   * @throws RequestError `NOT_FOUND` for any other device never seen
   */
  describeDevice(
    hwid: string,
    change: { readonly name?: string | null; readonly tags?: readonly string[] },
    connectedSinceMs?: number,
  ): Promise<void>;
  pins(filter: { readonly hwid?: string | null }): Promise<readonly Pin[]>;
  addPin(pin: Omit<Pin, "id" | "createdMs">): Promise<Pin>;
  /** @returns false when there is none with that id */
  removePin(id: number): Promise<boolean>;
  /** What holds now. @param hwids - of these devices only; left out: of all */
  health(hwids?: readonly string[]): Promise<readonly HealthState[]>;
  /** Replaces a device's states and writes the event in one transaction. */
  setHealth(
    hwid: string,
    states: readonly HealthState[],
    event: NewEvent & { type: Extract<EventType, "health.changed"> },
  ): Promise<void>;
  /**
   * Takes segments out of the catalogue and notes what of them is to be removed, in one transaction with the
   * `segment.deleted` events. Pinned ones are left out. @returns those that went
   */
  deleteSegments(order: DeletionOrder): Promise<readonly SegmentRow[]>;
  /**
   * Deletions whose files or objects may still stand, oldest first. One whose upload was in flight is not among them
   * until that has reported to the queue of uploads (or a new run has begun), so nothing comes to stand behind it. While
   * a deletion is pending, `Catalog.addSegment` leaves out a segment of that name.
   */
  pendingDeletions(limit: number): Promise<readonly PendingDeletion[]>;
  /** Files and objects of these are gone. */
  markDeleted(ids: readonly number[]): Promise<void>;
}
