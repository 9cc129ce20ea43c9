import type { Database, Statement } from "better-sqlite3";
import type { CatalogFile } from "./catalog-file-store.ts";
import type { GivingUp } from "./delivery-queue.ts";
import type { Chain } from "./replay-store.ts";
import { runInSlices, sliceRowCount } from "./slices.ts";

interface WaitingRow {
  readonly id: number;
  readonly device: string;
  readonly eventId: number;
  readonly timeMs: number;
}

interface Statements {
  readonly pending: Statement<[target: string], number>;
  readonly waiting: Statement<[{ target: string; afterEventId: number; limit: number }], WaitingRow>;
  readonly bury: Statement<[{ id: number; nowMs: number; reason: string }]>;
  readonly drop: Statement<[id: number]>;
}

function prepare(sqlite: Database): Statements {
  return {
    pending: sqlite.prepare<[string], number>("SELECT pending FROM targets WHERE target = ?").pluck(),
    // The index of `unique (target, event_id)`, of which a sort of the whole queue must not take the place.
    waiting: sqlite.prepare(`
      SELECT deliveries.id, device, event_id AS eventId, time_ms AS timeMs
      FROM deliveries INDEXED BY sqlite_autoindex_deliveries_1 JOIN events ON events.id = event_id
      WHERE target = @target AND event_id > @afterEventId AND is_claimed = 0 ORDER BY event_id LIMIT @limit`),
    bury: sqlite.prepare(`
      INSERT INTO dead_letters (id, target, event_id, attempts, first_failed_ms, reason, died_ms)
      SELECT id, target, event_id, attempts, first_failed_ms, @reason, @nowMs FROM deliveries WHERE id = @id`),
    drop: sqlite.prepare("DELETE FROM deliveries WHERE id = ?"),
  };
}

export interface GivingUpStoreOptions {
  readonly file: CatalogFile;
  readonly nowMs: () => number;
  /** Makes the oldest delivery of a chain its head; called inside of the slice's transaction. */
  readonly elect: (chain: Chain) => void;
}

/** Moves deliveries that wait to the dead letters, any number, slice by slice. */
export class GivingUpStore {
  readonly #options: GivingUpStoreOptions;
  readonly #statements: Statements;

  constructor(options: GivingUpStoreOptions) {
    this.#options = options;
    this.#statements = prepare(options.file.sqlite);
  }

  /** See `DeliveryQueue.giveUp`. */
  giveUp(target: string, { keepCount = 0, beforeMs = Number.POSITIVE_INFINITY, reason }: GivingUp): Promise<number> {
    let afterEventId = 0;
    const runSlice = () => {
      const surplus = (this.#statements.pending.get(target) ?? 0) - keepCount;
      const limit = Math.min(sliceRowCount, surplus);
      const rows = limit <= 0 ? [] : this.#statements.waiting.all({ target, afterEventId, limit });
      const old = rows.filter(({ timeMs }) => timeMs < beforeMs);
      // Ids go with time, but for a clock that was set back: a whole slice without an old event ends the old ones.
      if (old.length === 0) return undefined;
      afterEventId = rows.at(-1)?.eventId ?? afterEventId;
      this.#buryAll(target, old, reason);
      return old.length;
    };
    return runInSlices(this.#options.file, runSlice, "the rest still waits");
  }

  #buryAll(target: string, rows: readonly WaitingRow[], reason: string): void {
    const nowMs = this.#options.nowMs();
    for (const { id } of rows) {
      this.#statements.bury.run({ id, nowMs, reason });
      this.#statements.drop.run(id);
    }
    for (const device of new Set(rows.map((row) => row.device))) this.#options.elect({ target, device });
  }
}
