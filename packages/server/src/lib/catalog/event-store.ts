import { setImmediate as nextTurn } from "node:timers/promises";
import type { Statement } from "better-sqlite3";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { type EventType, eventTypes, type NewEvent, type ServerEvent } from "../kernel/server-event.ts";
import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import type { EventFilter, EventLog, OnlineSince } from "./event-log.ts";
import type { Write } from "./write-batch.ts";

/** Events that one slice of {@link EventStore.prune} looks at: some 10 ms. */
const sliceEventCount = 1000;

/** A row of the log as SQLite gives it. */
export interface EventRow {
  readonly id: number;
  readonly type: EventType;
  readonly timeMs: number;
  readonly hwid: string | null;
  readonly data: string;
}

/** The row as receivers get it. */
export function toServerEvent({ id, type, timeMs, hwid, data }: EventRow): ServerEvent {
  return { id, type, time: new Date(timeMs).toISOString(), hwid, data: JSON.parse(data) };
}

interface Statements {
  readonly write: Statement<[type: EventType, timeMs: number, hwid: string | null, data: string]>;
  readonly startAt: Statement<[lastId: number]>;
  readonly raiseTo: Statement<[lastId: number]>;
  readonly lastId: Statement<[], number>;
  readonly firstId: Statement<[], number | null>;
  readonly get: Statement<[id: number], EventRow>;
  readonly all: Statement<[afterId: number, limit: number], EventRow>;
  readonly idsOfType: Statement<[type: EventType, afterId: number, limit: number], number>;
  readonly idsOfDevice: Statement<[hwid: string, type: EventType, afterId: number, limit: number], number>;
  readonly online: Statement<[], { hwid: string; sinceTime: string | null; notedMs: number }>;
  readonly slice: Statement<[afterId: number, limit: number], { id: number; timeMs: number; isWaitedFor: 0 | 1 }>;
  readonly dropDeadLetters: Statement<[eventId: number]>;
  readonly drop: Statement<[id: number]>;
}

function prepare({ sqlite }: CatalogFile): Statements {
  const columns = "id, type, time_ms AS timeMs, hwid, data";
  const pluck = <P extends unknown[], R>(sql: string) => sqlite.prepare<P, R>(sql).pluck();
  return {
    write: sqlite.prepare("INSERT INTO events (type, time_ms, hwid, data) VALUES (?, ?, ?, ?)"),
    startAt: sqlite.prepare(`
      INSERT INTO sqlite_sequence (name, seq) SELECT 'events', ?
      WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events')`),
    raiseTo: sqlite.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events'"),
    lastId: pluck("SELECT seq FROM sqlite_sequence WHERE name = 'events'"),
    firstId: pluck("SELECT min(id) FROM events"),
    get: sqlite.prepare(`SELECT ${columns} FROM events WHERE id = ?`),
    all: sqlite.prepare(`SELECT ${columns} FROM events WHERE id > ? ORDER BY id LIMIT ?`),
    idsOfType: pluck("SELECT id FROM events INDEXED BY events_by_type WHERE type = ? AND id > ? ORDER BY id LIMIT ?"),
    idsOfDevice: pluck(`
      SELECT id FROM events INDEXED BY events_by_device WHERE hwid = ? AND type = ? AND id > ? ORDER BY id LIMIT ?`),
    online: sqlite.prepare("SELECT hwid, since_time AS sinceTime, noted_ms AS notedMs FROM presence ORDER BY hwid"),
    slice: sqlite.prepare(`
      SELECT id, time_ms AS timeMs, EXISTS (
        SELECT 1 FROM targets JOIN deliveries USING (target) WHERE event_id = events.id) AS isWaitedFor
      FROM events WHERE id > ? ORDER BY id LIMIT ?`),
    dropDeadLetters: sqlite.prepare("DELETE FROM dead_letters WHERE event_id = ?"),
    drop: sqlite.prepare("DELETE FROM events WHERE id = ?"),
  };
}

export interface EventStoreOptions {
  readonly file: CatalogFile;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Runs a write in a transaction; resolves after the commit. */
  readonly write: (write: Write) => Promise<void>;
}

/** The log of events in the catalogue's file. */
export class EventStore implements EventLog {
  readonly #options: EventStoreOptions;
  readonly #statements: Statements;
  readonly #listeners = new Set<(lastId: number) => void>();
  readonly #dropAll: (ids: readonly number[]) => void;
  #toldId: number;
  /** Last ids before commits that are not on stable storage yet, from old to new. */
  #unsecured: readonly number[] = [];

  constructor(options: EventStoreOptions) {
    const { sqlite } = options.file;
    this.#options = options;
    this.#statements = prepare(options.file);
    this.#dropAll = sqlite.transaction((ids: readonly number[]) => {
      for (const id of ids) {
        this.#statements.dropDeadLetters.run(id);
        this.#statements.drop.run(id);
      }
    }).immediate;
    if (!sqlite.readonly) this.#skipIds(Math.floor(options.nowMs()));
    this.#toldId = this.lastId;
  }

  /** Writes events; belongs inside a transaction of the caller's, who calls {@link EventStore.tell} after its commit. */
  add(...events: readonly NewEvent[]): void {
    const timeMs = this.#options.nowMs();
    for (const { type, hwid, data } of events) this.#statements.write.run(type, timeMs, hwid, JSON.stringify(data));
  }

  /** Events behind `id` were committed, but a power cut may still take them back: nobody is told of them. */
  hold(id: number): void {
    this.#unsecured = [...this.#unsecured, id];
  }

  /** The newest id that was given to {@link EventStore.hold} and is held; `undefined`: none is. */
  get heldId(): number | undefined {
    return this.#unsecured.at(-1);
  }

  /** What was held behind `id` and before it is on stable storage; `undefined`: nothing was held. Tells of it. */
  release(id: number | undefined): void {
    this.#unsecured = this.#unsecured.filter((held) => held > (id ?? 0));
    this.tell();
  }

  /** Tells the listeners of events that were committed since they were last told, but for those that are held. */
  tell(): void {
    const lastId = Math.min(this.lastId, this.#unsecured[0] ?? Number.POSITIVE_INFINITY);
    if (lastId <= this.#toldId) return;
    this.#toldId = lastId;
    for (const onAppended of [...this.#listeners]) {
      try {
        onAppended(lastId);
      } catch (thrown) {
        // What was committed stands, whoever listens.
        this.#options.log.error({ err: toError(thrown) }, "a listener to events fails");
      }
    }
  }

  async append(events: readonly NewEvent[]): Promise<void> {
    if (events.length > 0) await this.#options.write(() => this.add(...events));
  }

  async read(filter: EventFilter): Promise<readonly ServerEvent[]> {
    return this.#run(() => this.#rows(filter).map(toServerEvent));
  }

  async onlineDevices(): Promise<readonly OnlineSince[]> {
    const rows = this.#run(() => this.#statements.online.all());
    return rows.map(({ hwid, sinceTime, notedMs }) => {
      const sinceMs = Date.parse(sinceTime ?? "");
      return { hwid, sinceMs: Number.isNaN(sinceMs) ? notedMs : sinceMs };
    });
  }

  get lastId(): number {
    return this.#run(() => this.#statements.lastId.get() ?? 0);
  }

  get firstId(): number {
    return this.#run(() => this.#statements.firstId.get()) ?? this.lastId + 1;
  }

  subscribe(onAppended: (lastId: number) => void): () => void {
    // A listener of its own for each call, else the same function subscribed twice would be taken off at once.
    const listener = (lastId: number) => onAppended(lastId);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async prune(beforeMs: number): Promise<number> {
    let count = 0;
    for (let afterId = 0; ; ) {
      const slice = this.#run(() => this.#statements.slice.all(afterId, sliceEventCount));
      const old = slice.filter(({ timeMs }) => timeMs < beforeMs);
      const lastId = slice.at(-1)?.id;
      // Ids go with time, but for a clock that was set back: a whole slice without an old event ends the old ones.
      if (lastId === undefined || old.length === 0) return count;
      const ids = old.filter(({ isWaitedFor }) => isWaitedFor === 0).map(({ id }) => id);
      this.#run(() => this.#dropAll(ids));
      count += ids.length;
      afterId = lastId;
      await nextTurn();
      // Closed meanwhile: the next run goes on.
      if (!this.#options.file.sqlite.open) return count;
    }
  }

  /**
   * Begins the ids of a new log at the wall clock, and raises those of an old one to it: a log writes fewer than 1 000
   * events a second, so no id that a receiver has seen comes again, not even when a power cut or a lost catalogue took
   * the newest ones.
   */
  #skipIds(nowMs: number): void {
    this.#run(() => {
      this.#statements.startAt.run(nowMs);
      this.#statements.raiseTo.run(nowMs);
    });
  }

  #rows({ afterId, limit, types, hwid }: EventFilter): EventRow[] {
    const { get, all, idsOfType, idsOfDevice } = this.#statements;
    if (types === undefined && hwid === undefined) return all.all(afterId, limit);
    const ids = [...new Set(types ?? eventTypes)].flatMap((type) =>
      hwid === undefined ? idsOfType.all(type, afterId, limit) : idsOfDevice.all(hwid, type, afterId, limit),
    );
    const oldest = ids.sort((a, b) => a - b).slice(0, limit);
    return oldest.map((id) => get.get(id)).filter((row) => row !== undefined);
  }

  #run<T>(work: () => T): T {
    return withCatalogErrors(this.#options.file.path, work);
  }
}
