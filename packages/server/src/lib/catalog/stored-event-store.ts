import type { Database, Statement } from "better-sqlite3";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { EventStore } from "./event-store.ts";
import type { Flag } from "./schema.ts";
import { segmentStored } from "./segment-events.ts";

interface SegmentRow {
  readonly id: number;
  readonly hwid: string | null;
  readonly name: string;
  readonly folder: string;
  readonly session: string;
  readonly idx: number;
  readonly stream_id: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly is_stored: Flag;
}

/** Writes `segment.stored` when a change makes the last file of a segment stored. */
export class StoredEventStore {
  readonly #events: Pick<EventStore, "add">;
  readonly #segment: Statement<[id: number], SegmentRow>;
  readonly #objects: Statement<
    [id: number],
    { kind: SegmentFileKind; key: string | null; bytes: number; sha256: string }
  >;

  constructor(sqlite: Database, events: Pick<EventStore, "add">) {
    this.#events = events;
    this.#segment = sqlite.prepare(`
      SELECT id, hwid, name, folder, session, idx, stream_id, start_ms, end_ms, is_stored FROM segments WHERE id = ?`);
    this.#objects = sqlite.prepare("SELECT kind, key, bytes, sha256 FROM uploads WHERE segment_id = ? ORDER BY id");
  }

  /** True when the object store has all of the segment already. */
  isStored(segmentId: number): boolean {
    return this.#segment.get(segmentId)?.is_stored === 1;
  }

  /** To be called in the transaction of the change. */
  noteChange(segmentId: number, wasStored: boolean): void {
    const segment = this.#segment.get(segmentId);
    if (wasStored || segment?.is_stored !== 1) return;
    this.#events.add(segmentStored(segment, this.#objects.all(segmentId)));
  }
}
