import type { Database, Statement } from "better-sqlite3";
import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import type {
  DeadLetter,
  DeliveryCounts,
  DeliveryFailure,
  DeliveryQueue,
  EventDelivery,
  EventTarget,
  GivingUp,
} from "./delivery-queue.ts";
import { type EventRow, toServerEvent } from "./event-store.ts";
import { GivingUpStore } from "./giving-up-store.ts";
import { type Chain, type DeadFilter, ReplayStore } from "./replay-store.ts";
import type { Flag } from "./schema.ts";

interface DeliveryRow extends EventRow {
  readonly deliveryId: number;
  readonly target: string;
  readonly attempts: number;
  readonly firstFailedMs: number | null;
}

interface Due {
  readonly target: string;
  readonly limit: number;
  readonly nowMs: number;
}

interface Statements {
  readonly addTarget: Statement<[target: string, isForAll: Flag]>;
  readonly targets: Statement<[], string>;
  readonly dropTarget: Statement<[target: string]>;
  readonly dropDeliveries: Statement<[target: string]>;
  readonly dropTypes: Statement<[target: string]>;
  readonly addType: Statement<[type: string, target: string]>;
  readonly dropDevices: Statement<[target: string]>;
  readonly addDevice: Statement<[target: string, hwid: string]>;
  readonly claimed: Statement<[target: string], { readonly id: number }>;
  readonly due: Statement<[Due], DeliveryRow>;
  readonly take: Statement<[id: number]>;
  readonly finish: Statement<[id: number], Chain>;
  readonly fail: Statement<[{ id: number; nowMs: number; nextTryMs: number }], Chain>;
  readonly bury: Statement<[{ id: number; nowMs: number; reason: string }]>;
  readonly release: Statement<[id: number], Chain>;
  readonly unsetHead: Statement<[Chain]>;
  readonly setHead: Statement<[Chain]>;
  readonly nextDueMs: Statement<[target: string], number | null>;
  readonly counts: Statement<[], Omit<DeliveryCounts, "oldestPendingMs"> & { readonly oldestPendingMs: number | null }>;
  readonly dead: Statement<
    [{ target: string | null; afterId: number; limit: number }],
    DeliveryRow & { reason: string; diedMs: number }
  >;
}

const eventColumns = "events.id, type, time_ms AS timeMs, events.hwid, data";

// INDEXED BY: a query that would walk the whole queue fails to prepare instead of growing slow with it.
function prepareMoves(sqlite: Database) {
  return {
    due: sqlite.prepare<[Due], DeliveryRow>(`
      SELECT deliveries.id AS deliveryId, target, attempts, first_failed_ms AS firstFailedMs, ${eventColumns}
      FROM deliveries INDEXED BY deliveries_due JOIN events ON events.id = event_id
      WHERE target = @target AND is_head = 1 AND is_claimed = 0 AND next_try_ms <= @nowMs
      ORDER BY next_try_ms, event_id LIMIT @limit`),
    take: sqlite.prepare<[number]>("UPDATE deliveries SET is_claimed = 1 WHERE id = ?"),
    finish: sqlite.prepare<[number], Chain>(
      "DELETE FROM deliveries WHERE id = ? AND is_claimed = 1 RETURNING target, device",
    ),
    fail: sqlite.prepare<[{ id: number; nowMs: number; nextTryMs: number }], Chain>(`
      UPDATE deliveries SET is_claimed = 0, attempts = attempts + 1, next_try_ms = @nextTryMs,
        first_failed_ms = coalesce(first_failed_ms, @nowMs)
      WHERE id = @id AND is_claimed = 1 RETURNING target, device`),
    bury: sqlite.prepare<[{ id: number; nowMs: number; reason: string }]>(`
      INSERT INTO dead_letters (id, target, event_id, attempts, first_failed_ms, reason, died_ms)
      SELECT id, target, event_id, attempts + 1, coalesce(first_failed_ms, @nowMs), @reason, @nowMs
      FROM deliveries WHERE id = @id AND is_claimed = 1`),
    release: sqlite.prepare<[number], Chain>(
      "UPDATE deliveries SET is_claimed = 0 WHERE id = ? AND is_claimed = 1 RETURNING target, device",
    ),
    unsetHead: sqlite.prepare<[Chain]>(`
      UPDATE deliveries INDEXED BY deliveries_heads SET is_head = 0
      WHERE target = @target AND device = @device AND is_head = 1 AND is_claimed = 0`),
    setHead: sqlite.prepare<[Chain]>(`
      UPDATE deliveries SET is_head = 1 WHERE id = (
        SELECT id FROM deliveries INDEXED BY deliveries_in_order WHERE target = @target AND device = @device
        ORDER BY event_id LIMIT 1)
      AND NOT EXISTS (SELECT 1 FROM deliveries WHERE target = @target AND device = @device AND is_head = 1)`),
  };
}

function prepareTargets(sqlite: Database) {
  return {
    addTarget: sqlite.prepare<[string, Flag]>(`
      INSERT INTO targets (target, is_for_all, dead)
      SELECT target, isForAll, (SELECT count(*) FROM dead_letters WHERE dead_letters.target = wanted.target)
      FROM (SELECT ? AS target, ? AS isForAll) AS wanted WHERE true
      ON CONFLICT (target) DO UPDATE SET is_for_all = excluded.is_for_all`),
    targets: sqlite.prepare<[], string>("SELECT target FROM targets").pluck(),
    dropTarget: sqlite.prepare<[string]>("DELETE FROM targets WHERE target = ?"),
    dropDeliveries: sqlite.prepare<[string]>("DELETE FROM deliveries WHERE target = ?"),
    dropTypes: sqlite.prepare<[string]>("DELETE FROM target_types WHERE target = ?"),
    addType: sqlite.prepare<[string, string]>("INSERT OR IGNORE INTO target_types (type, target) VALUES (?, ?)"),
    dropDevices: sqlite.prepare<[string]>("DELETE FROM target_devices WHERE target = ?"),
    addDevice: sqlite.prepare<[string, string]>("INSERT OR IGNORE INTO target_devices (target, hwid) VALUES (?, ?)"),
    claimed: sqlite.prepare<[string], { id: number }>(`
      SELECT id FROM deliveries INDEXED BY deliveries_heads WHERE target = ? AND is_head = 1 AND is_claimed = 1`),
  };
}

function prepare(sqlite: Database): Statements {
  return {
    ...prepareMoves(sqlite),
    ...prepareTargets(sqlite),
    nextDueMs: sqlite
      .prepare<[string], number | null>(`
        SELECT min(next_try_ms) FROM deliveries INDEXED BY deliveries_due
        WHERE target = ? AND is_head = 1 AND is_claimed = 0`)
      .pluck(),
    counts: sqlite.prepare(`
      SELECT target, pending, dead, (SELECT time_ms FROM events WHERE id = (
        SELECT min(event_id) FROM deliveries WHERE deliveries.target = targets.target)) AS oldestPendingMs
      FROM targets ORDER BY target`),
    dead: sqlite.prepare(`
      SELECT dead_letters.id AS deliveryId, target, attempts, first_failed_ms AS firstFailedMs, reason,
        died_ms AS diedMs, ${eventColumns}
      FROM dead_letters JOIN events ON events.id = event_id
      WHERE dead_letters.id > @afterId AND (@target IS NULL OR target = @target) ORDER BY dead_letters.id LIMIT @limit`),
  };
}

function toDelivery({ deliveryId, target, attempts, firstFailedMs, ...event }: DeliveryRow): EventDelivery {
  return { deliveryId, target, attempts, firstFailedMs, event: toServerEvent(event) };
}

/** The queue of deliveries in the catalogue's file. */
export class DeliveryStore implements DeliveryQueue {
  readonly #file: CatalogFile;
  readonly #statements: Statements;
  readonly #nowMs: () => number;
  readonly #replays: ReplayStore;
  readonly #givingUp: GivingUpStore;

  /** @param nowMs - wall time, stamps failures */
  constructor(file: CatalogFile, nowMs: () => number) {
    this.#file = file;
    this.#statements = prepare(file.sqlite);
    this.#nowMs = nowMs;
    const targets = () => this.#statements.targets.all();
    const elect = (chain: Chain) => this.#elect(chain);
    this.#replays = new ReplayStore(file, elect, targets);
    this.#givingUp = new GivingUpStore({ file, nowMs, elect });
  }

  setTargets(targets: readonly EventTarget[]): void {
    this.#change(() => {
      // Claimed by a run before this one.
      for (const target of this.#statements.targets.all())
        for (const { id } of this.#statements.claimed.all(target)) this.#release(id);
      this.changeTargets(targets);
    });
  }

  changeTargets(targets: readonly EventTarget[]): void {
    this.#change(() => {
      const { dropTarget, dropDeliveries } = this.#statements;
      for (const target of this.#statements.targets.all()) {
        if (targets.some((wanted) => wanted.target === target)) continue;
        dropDeliveries.run(target);
        dropTarget.run(target);
      }
      for (const target of targets) this.#setTarget(target);
    });
  }

  claim(target: string, limit: number, nowMs: number): readonly EventDelivery[] {
    const rows = this.#change(() => {
      const due = this.#statements.due.all({ target, limit, nowMs });
      for (const { deliveryId } of due) this.#statements.take.run(deliveryId);
      return due;
    });
    return rows.map(toDelivery);
  }

  markDelivered(deliveryIds: readonly number[]): void {
    this.#change(() => {
      for (const id of deliveryIds) this.#elect(this.#statements.finish.get(id));
    });
  }

  markFailed(deliveryId: number, { reason, nextTryMs }: DeliveryFailure): void {
    const { fail, bury, finish } = this.#statements;
    const nowMs = this.#nowMs();
    this.#change(() => {
      if (nextTryMs === null) bury.run({ id: deliveryId, nowMs, reason });
      this.#elect(nextTryMs === null ? finish.get(deliveryId) : fail.get({ id: deliveryId, nowMs, nextTryMs }));
    });
  }

  release(deliveryIds: readonly number[]): void {
    this.#change(() => {
      for (const id of deliveryIds) this.#release(id);
    });
  }

  giveUp(target: string, which: GivingUp): Promise<number> {
    return this.#givingUp.giveUp(target, which);
  }

  nextDueMs(target: string): number | undefined {
    return this.#run(() => this.#statements.nextDueMs.get(target) ?? undefined);
  }

  counts(): readonly DeliveryCounts[] {
    const rows = this.#run(() => this.#statements.counts.all());
    return rows.map((row) => ({ ...row, oldestPendingMs: row.oldestPendingMs ?? undefined }));
  }

  deadLetters({ target, afterId = 0, limit }: Parameters<DeliveryQueue["deadLetters"]>[0]): readonly DeadLetter[] {
    const rows = this.#run(() => this.#statements.dead.all({ target: target ?? null, afterId, limit }));
    return rows.map(({ reason, diedMs, ...delivery }) => ({ ...toDelivery(delivery), reason, diedMs }));
  }

  replayDead(filter: DeadFilter): Promise<number> {
    return this.#replays.replayDead(filter);
  }

  replayLog(target: string, range: { readonly fromId: number; readonly toId: number }): Promise<number> {
    return this.#replays.replayLog(target, range);
  }

  #setTarget({ target, types, hwids }: EventTarget): void {
    const { addTarget, dropTypes, addType, dropDevices, addDevice } = this.#statements;
    addTarget.run(target, hwids === undefined ? 1 : 0);
    dropTypes.run(target);
    for (const type of types) addType.run(type, target);
    dropDevices.run(target);
    for (const hwid of hwids ?? []) addDevice.run(target, hwid);
  }

  #release(id: number): void {
    this.#elect(this.#statements.release.get(id));
  }

  /** The oldest event of a chain is its head, unless another one of the chain is on its way. */
  #elect(chain: Chain | undefined): void {
    if (chain === undefined) return;
    this.#statements.unsetHead.run(chain);
    this.#statements.setHead.run(chain);
  }

  #change<T>(work: () => T): T {
    return this.#run(() => this.#file.sqlite.transaction(work).immediate());
  }

  #run<T>(work: () => T): T {
    return withCatalogErrors(this.#file.path, work);
  }
}
