import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

async function run(db: Kysely<unknown>, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    // Autoincrement: a cursor that a receiver has kept must never name another event.
    `create table events (
      id integer primary key autoincrement,
      type text not null,
      time_ms real not null,
      hwid text,
      data text not null
    ) strict`,
    "create index events_by_type on events (type)",
    "create index events_by_device on events (hwid, type) where hwid is not null",
  );
}

async function createTargets(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `create table targets (
      target text primary key not null,
      is_for_all integer not null,
      pending integer not null default 0,
      dead integer not null default 0
    ) strict, without rowid`,
    `create table target_types (
      type text not null,
      target text not null references targets (target) on delete cascade,
      primary key (type, target)
    ) strict, without rowid`,
    `create table target_devices (
      target text not null references targets (target) on delete cascade,
      hwid text not null,
      primary key (target, hwid)
    ) strict, without rowid`,
  );
}

// `device` is the event's hwid, '' for none: deliveries of one device to one target form a chain in the order of events,
// of which only the head can be claimed.
async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `create table deliveries (
      id integer primary key autoincrement,
      target text not null,
      event_id integer not null,
      device text not null,
      attempts integer not null default 0,
      first_failed_ms real,
      next_try_ms real not null,
      is_head integer not null,
      is_claimed integer not null default 0,
      unique (target, event_id)
    ) strict`,
    "create index deliveries_in_order on deliveries (target, device, event_id)",
    "create unique index deliveries_heads on deliveries (target, device) where is_head = 1",
    `create index deliveries_due on deliveries (target, next_try_ms, event_id) where is_head = 1 and is_claimed = 0`,
    `create table dead_letters (
      id integer primary key,
      target text not null,
      event_id integer not null,
      attempts integer not null,
      first_failed_ms real,
      reason text not null,
      died_ms real not null
    ) strict`,
    "create index dead_letters_by_event on dead_letters (event_id)",
    "create index dead_letters_by_target on dead_letters (target)",
  );
  await createDeliveryTriggers(db);
}

// Whatever writes an event, its deliveries are written with it.
async function createDeliveryTriggers(db: Kysely<unknown>): Promise<void> {
  const count = (name: string, table: string, column: string) => [
    `create trigger ${name}_counted after insert on ${table} begin
      update targets set ${column} = ${column} + 1 where target = new.target; end`,
    `create trigger ${name}_uncounted after delete on ${table} begin
      update targets set ${column} = ${column} - 1 where target = old.target; end`,
  ];
  await run(
    db,
    `create trigger events_queued after insert on events begin
      insert into deliveries (target, event_id, device, next_try_ms, is_head)
      select target, new.id, coalesce(new.hwid, ''), new.time_ms, not exists (
        select 1 from deliveries where deliveries.target = targets.target
          and deliveries.device = coalesce(new.hwid, '') and is_head = 1)
      from target_types join targets using (target)
      where target_types.type = new.type and (is_for_all = 1 or exists (
        select 1 from target_devices where target_devices.target = targets.target and target_devices.hwid = new.hwid));
      end`,
    ...count("deliveries", "deliveries", "pending"),
    ...count("dead_letters", "dead_letters", "dead"),
  );
}

async function createAnnotations(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    "alter table devices add column name text",
    "alter table devices add column tags text not null default '[]'",
    "alter table segments add column dc_offset real",
    `create table pins (
      id integer primary key autoincrement,
      device text not null,
      from_ms real not null,
      to_ms real not null,
      note text not null,
      created_ms real not null
    ) strict`,
    "create index pins_by_device on pins (device, from_ms)",
    `create table health_states (
      hwid text not null,
      condition text not null,
      since_ms real not null,
      evidence text not null,
      primary key (hwid, condition)
    ) strict, without rowid`,
  );
}

async function createDeletions(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `create table deletions (
      id integer primary key autoincrement,
      name text not null unique,
      folder text not null,
      hwid text,
      keys text not null,
      unverified_kinds text not null,
      uploads_in_flight integer not null
    ) strict`,
    "create index deletions_due on deletions (id) where uploads_in_flight = 0",
    `create table deleted_uploads (
      upload_id integer primary key,
      deletion_id integer not null references deletions (id) on delete cascade
    ) strict`,
    "create index deleted_uploads_by_deletion on deleted_uploads (deletion_id)",
    // Where an acknowledged session stands whose last segments are deleted. [P-2.7]
    "alter table sessions add column deleted_next_seq integer",
    "alter table sessions add column deleted_next_sample integer",
    "alter table sessions add column deleted_next_index integer",
  );
}

/** The log of events with the queue of their deliveries, and what people and policies say of recordings. */
export const events: Migration = {
  async up(db) {
    await createEvents(db);
    await createTargets(db);
    await createDeliveries(db);
    await createAnnotations(db);
    await createDeletions(db);
  },
};
