import { RequestError } from "../kernel/errors.ts";
import type { NewEvent } from "../kernel/server-event.ts";
import type { Annotations, DeletionOrder, HealthState, PendingDeletion, Pin } from "./annotations.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import type { SegmentRow } from "./catalog-reader.ts";
import { DeletionStore } from "./deletion-store.ts";
import type { EventStore } from "./event-store.ts";
import { StatementCache } from "./statement-cache.ts";
import type { Write } from "./write-batch.ts";

export interface AnnotationStoreOptions {
  readonly file: CatalogFile;
  readonly events: EventStore;
  readonly nowMs: () => number;
  /** Runs a write in a transaction; resolves after the commit. */
  readonly write: (write: Write) => Promise<void>;
  /** The same, with a commit that a power cut does not take back. */
  readonly writeSynced: (write: Write) => Promise<void>;
  /** Resolves when all that was committed is beyond a power cut. */
  readonly secure: () => Promise<void>;
  /** Runs a query, its errors told as the catalogue's. */
  readonly read: <T>(query: () => Promise<T>) => Promise<T>;
}

/** What stands in tables for what was recorded without an id. */
const noId = "";

/** What people and policies say of recordings, in the catalogue's file. */
export class AnnotationStore implements Annotations {
  readonly #options: AnnotationStoreOptions;
  readonly #statements: StatementCache;
  readonly #deletions: DeletionStore;

  constructor(options: AnnotationStoreOptions) {
    this.#options = options;
    this.#statements = new StatementCache(options.file.sqlite);
    this.#deletions = new DeletionStore(options.file.sqlite, options.events);
  }

  async describeDevice(
    hwid: string,
    { name, tags }: { readonly name?: string | null; readonly tags?: readonly string[] },
    connectedSinceMs?: number,
  ): Promise<void> {
    const { sqlite } = this.#options.file;
    const know = sqlite.prepare<[string, number, number]>(
      "INSERT INTO devices (hwid, first_seen_ms, last_seen_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    );
    const count = sqlite.prepare<[string]>("INSERT INTO device_totals (device) VALUES (?) ON CONFLICT DO NOTHING");
    const describe = sqlite.prepare<[unknown]>(`
      UPDATE devices SET name = iif(@isNamed, @name, name), tags = coalesce(@tags, tags) WHERE hwid = @hwid`);
    await this.#options.write(() => {
      if (connectedSinceMs !== undefined) {
        know.run(hwid, connectedSinceMs, connectedSinceMs);
        count.run(hwid);
      }
      const { changes } = describe.run({
        ...{ hwid, isNamed: name === undefined ? 0 : 1, name: name ?? null },
        tags: tags === undefined ? null : JSON.stringify([...new Set(tags)]),
      });
      if (changes === 0) throw new RequestError("NOT_FOUND", `no device ${hwid} was ever recorded`);
    });
  }

  pins({ hwid }: { readonly hwid?: string | null }): Promise<readonly Pin[]> {
    return this.#options.read(async () => {
      const where = hwid === undefined ? "" : "WHERE device = @device";
      const rows = this.#options.file.sqlite
        .prepare<[unknown], Omit<Pin, "hwid"> & { readonly device: string }>(`
          SELECT id, device, from_ms AS fromMs, to_ms AS toMs, note, created_ms AS createdMs
          FROM pins ${where} ORDER BY id`)
        .all({ device: hwid ?? noId });
      return rows.map(({ id, device, ...pin }) => ({ id, hwid: device === noId ? null : device, ...pin }));
    });
  }

  async addPin({ hwid, fromMs, toMs, note }: Omit<Pin, "id" | "createdMs">): Promise<Pin> {
    const createdMs = this.#options.nowMs();
    const insert = this.#options.file.sqlite.prepare<[unknown]>(`
      INSERT INTO pins (device, from_ms, to_ms, note, created_ms) VALUES (@device, @fromMs, @toMs, @note, @createdMs)`);
    let id = 0;
    await this.#options.writeSynced(() => {
      id = Number(insert.run({ device: hwid ?? noId, fromMs, toMs, note, createdMs }).lastInsertRowid);
    });
    return { id, hwid, fromMs, toMs, note, createdMs };
  }

  async removePin(id: number): Promise<boolean> {
    let isRemoved = false;
    await this.#options.write(() => {
      isRemoved = this.#options.file.sqlite.prepare<[number]>("DELETE FROM pins WHERE id = ?").run(id).changes > 0;
    });
    return isRemoved;
  }

  health(hwids?: readonly string[]): Promise<readonly HealthState[]> {
    return this.#options.read(async () => {
      const where = hwids === undefined ? "" : "WHERE hwid IN (SELECT value FROM json_each(@hwids))";
      const rows = this.#statements.all<Omit<HealthState, "evidence"> & { readonly evidence: string }>(
        `SELECT hwid, condition, since_ms AS sinceMs, evidence FROM health_states ${where} ORDER BY hwid, condition`,
        { hwids: hwids && JSON.stringify(hwids) },
      );
      return rows.map((row) => ({ ...row, evidence: JSON.parse(row.evidence) }));
    });
  }

  setHealth(
    hwid: string,
    states: readonly HealthState[],
    event: NewEvent & { readonly type: "health.changed" },
  ): Promise<void> {
    const { file, events } = this.#options;
    const drop = file.sqlite.prepare<[string]>("DELETE FROM health_states WHERE hwid = ?");
    const insert = file.sqlite.prepare<[string, string, number, string]>(
      "INSERT INTO health_states (hwid, condition, since_ms, evidence) VALUES (?, ?, ?, ?)",
    );
    return this.#options.write(() => {
      drop.run(hwid);
      for (const { condition, sinceMs, evidence } of states) {
        insert.run(hwid, condition, sinceMs, JSON.stringify(evidence));
      }
      events.add(event);
    });
  }

  async deleteSegments(order: DeletionOrder): Promise<readonly SegmentRow[]> {
    let deleted: readonly SegmentRow[] = [];
    // Synced: files go next, and after a power cut no row may be left that leads to none.
    await this.#options.writeSynced(() => {
      deleted = this.#deletions.deleteSegments(order);
    });
    return deleted;
  }

  pendingDeletions(limit: number): Promise<readonly PendingDeletion[]> {
    return this.#options.read(async () => {
      const pending = this.#deletions.pending(limit);
      // What comes back after a power cut must find its files.
      if (pending.length > 0) await this.#options.secure();
      return pending;
    });
  }

  markDeleted(ids: readonly number[]): Promise<void> {
    return this.#options.write(() => this.#deletions.forget(ids));
  }
}
