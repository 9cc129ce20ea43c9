import type { Database, Statement } from "better-sqlite3";
import type { CatalogFile } from "./catalog-file-store.ts";
import { runInSlices, sliceRowCount } from "./slices.ts";

/** Deliveries of one device to one target, in the order of events. */
export interface Chain {
  readonly target: string;
  readonly device: string;
}

/** Which dead letters are put back; default: all. Never those whose target the settings do not name any more. */
export interface DeadFilter {
  readonly target?: string;
  readonly deliveryIds?: readonly number[];
}

interface DeadRow {
  readonly id: number;
  readonly eventId: number;
  readonly target: string;
}

interface LogRange {
  readonly target: string;
  readonly fromId: number;
  readonly toId: number;
}

interface Statements {
  readonly lastDeadEventId: Statement<[], number | null>;
  readonly dead: Statement<[{ eventId: number; id: number; toEventId: number; limit: number }], DeadRow>;
  readonly deadOne: Statement<[id: number], DeadRow>;
  readonly revive: Statement<[id: number], Chain>;
  readonly unbury: Statement<[id: number]>;
  readonly endOfSlice: Statement<[Omit<LogRange, "target"> & { readonly limit: number }], number | null>;
  readonly requeue: Statement<[LogRange], Chain>;
}

function prepare(sqlite: Database): Statements {
  const deadColumns = "dead_letters.id, event_id AS eventId, target";
  return {
    lastDeadEventId: sqlite.prepare<[], number | null>("SELECT max(event_id) FROM dead_letters").pluck(),
    dead: sqlite.prepare(`
      SELECT ${deadColumns} FROM dead_letters INDEXED BY dead_letters_by_event
      WHERE event_id >= @eventId AND (event_id > @eventId OR id > @id) AND event_id <= @toEventId
      ORDER BY event_id, id LIMIT @limit`),
    deadOne: sqlite.prepare(`SELECT ${deadColumns} FROM dead_letters WHERE id = ?`),
    revive: sqlite.prepare(`
      INSERT INTO deliveries (id, target, event_id, device, next_try_ms, is_head)
      SELECT dead_letters.id, target, event_id, coalesce(hwid, ''), time_ms, 0
      FROM dead_letters JOIN events ON events.id = event_id WHERE dead_letters.id = ?
      ON CONFLICT (target, event_id) DO NOTHING RETURNING target, device`),
    unbury: sqlite.prepare("DELETE FROM dead_letters WHERE id = ?"),
    endOfSlice: sqlite
      .prepare<[Omit<LogRange, "target"> & { readonly limit: number }], number | null>(`
        SELECT max(id) FROM (
          SELECT id FROM events WHERE id >= @fromId AND id <= @toId ORDER BY id LIMIT @limit)`)
      .pluck(),
    requeue: sqlite.prepare(`
      INSERT INTO deliveries (target, event_id, device, next_try_ms, is_head)
      SELECT target, events.id, coalesce(events.hwid, ''), time_ms, 0
      FROM events JOIN target_types USING (type) JOIN targets USING (target)
      WHERE events.id BETWEEN @fromId AND @toId AND target = @target AND (is_for_all = 1 OR EXISTS (
        SELECT 1 FROM target_devices WHERE target_devices.target = targets.target AND hwid = events.hwid))
      ORDER BY events.id
      ON CONFLICT (target, event_id) DO NOTHING RETURNING target, device`),
  };
}

/** Queues deliveries again, any number: slice by slice, in the order of events, with the process free in between. */
export class ReplayStore {
  readonly #file: CatalogFile;
  readonly #statements: Statements;
  readonly #elect: (chain: Chain) => void;
  readonly #targets: () => readonly string[];

  /**
   * @param elect - makes the oldest delivery of a chain its head; called inside of the slice's transaction
   * @param targets - those that the settings name
   */
  constructor(file: CatalogFile, elect: (chain: Chain) => void, targets: () => readonly string[]) {
    this.#file = file;
    this.#statements = prepare(file.sqlite);
    this.#elect = elect;
    this.#targets = targets;
  }

  /** See `DeliveryQueue.replayDead`. */
  replayDead({ target, deliveryIds }: DeadFilter): Promise<number> {
    const readSlice = deliveryIds === undefined ? this.#sliceAll() : this.#slice(deliveryIds);
    return this.#replay(() => {
      const rows = readSlice();
      const targets = this.#targets().filter((one) => target === undefined || one === target);
      return rows && this.#reviveAll(rows.filter((row) => targets.includes(row.target)));
    });
  }

  /** See `DeliveryQueue.replayLog`. */
  replayLog(target: string, { fromId, toId }: { readonly fromId: number; readonly toId: number }): Promise<number> {
    let nextId = fromId;
    return this.#replay(() => {
      const limit = sliceRowCount;
      const endId = this.#statements.endOfSlice.get({ fromId: nextId, toId, limit });
      if (endId == null) return undefined;
      const chains = this.#statements.requeue.all({ target, fromId: nextId, toId: endId });
      this.#electAll(chains);
      nextId = endId + 1;
      return chains.length;
    });
  }

  /** @param replaySlice - queues one slice and gives its count; `undefined` when there is no more */
  #replay(replaySlice: () => number | undefined): Promise<number> {
    return runInSlices(this.#file, replaySlice, "replay the rest later");
  }

  /** Those that are dead now, by the order of their events: what dies again meanwhile is not seen twice. */
  #sliceAll(): () => readonly DeadRow[] | undefined {
    const { dead, lastDeadEventId } = this.#statements;
    let toEventId: number | undefined;
    let last = { eventId: 0, id: 0 };
    return () => {
      toEventId ??= lastDeadEventId.get() ?? 0;
      const rows = dead.all({ ...last, toEventId, limit: sliceRowCount });
      last = rows.at(-1) ?? last;
      return rows.length === 0 ? undefined : rows;
    };
  }

  #slice(deliveryIds: readonly number[]): () => readonly DeadRow[] | undefined {
    const ids = [...new Set(deliveryIds)].sort((a, b) => a - b);
    let at = 0;
    return () => {
      const slice = ids.slice(at, at + sliceRowCount);
      at += slice.length;
      const rows = slice.map((id) => this.#statements.deadOne.get(id)).filter((row) => row !== undefined);
      return slice.length === 0 ? undefined : rows.sort((a, b) => a.eventId - b.eventId);
    };
  }

  #reviveAll(rows: readonly DeadRow[]): number {
    const { revive, unbury } = this.#statements;
    const chains = rows.map(({ id }) => revive.get(id)).filter((chain) => chain !== undefined);
    for (const { id } of rows) unbury.run(id);
    this.#electAll(chains);
    return rows.length;
  }

  #electAll(chains: readonly Chain[]): void {
    const distinct = new Map(chains.map((chain) => [`${chain.target}\n${chain.device}`, chain]));
    for (const chain of distinct.values()) this.#elect(chain);
  }
}
