import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { StorageError } from "../kernel/errors.ts";

/** Stands in a data folder while it is made of a backup, and when that was interrupted. */
export const restoringName = "eet-restoring.json";
/** What a lock leaves in a folder, by the beginning of the names. */
const lockName = "server.lock";
const backupLockName = "eet-backup.lock";
const workerLockName = "ingest-worker-";
const workerLockPattern = /^ingest-worker-\d+\.lock$/;
/** Time between two looks at a lock that is waited for. */
const lookIntervalMs = 50;

/** Kept from the garbage collector, which would give free whatever nobody names any more. */
const heldLocks = new Set<Database.Database>();

/** The right to be the one server that writes to a data folder. */
export interface DataLock {
  /** Gives the folder free; later calls do nothing. */
  close(): void;
}

/**
 * Takes the data folder, creating it if needed. The lock is an exclusive SQLite transaction: the system drops it with
 * the process, however that ends, so no stale lock is ever left behind.
 *
 * @param purpose - `restore`: to make the folder of a backup
 * @throws {@link StorageError} `STORAGE_LOCKED` naming the holder, `RESTORE_UNFINISHED` for a folder that is half restored,
 *   `STORAGE_IO` when the folder cannot be written
 */
export function openDataLock(dataFolder: string, purpose: "use" | "restore" = "use"): DataLock {
  const lock = takeLock(dataFolder);
  if (purpose === "restore" || !existsSync(join(dataFolder, restoringName))) return lock;
  lock.close();
  const fix = "run `eet restore` again, with the same backup and folder";
  throw new StorageError("RESTORE_UNFINISHED", `${dataFolder} is half restored: ${fix}`);
}

/** Whether a file of a data folder, or of a backup, says nothing but that somebody has taken it. */
export function isOfLock(name: string): boolean {
  return [lockName, backupLockName, workerLockName].some((start) => name.startsWith(start));
}

/**
 * Takes the place of an ingest worker: two processes that think they are the same one must not record side by side.
 *
 * @param place - from 0
 * @throws {@link StorageError} `STORAGE_LOCKED` naming the holder, `STORAGE_IO` when the folder cannot be written
 */
export function openWorkerLock(dataFolder: string, place: number): DataLock {
  const name = `${workerLockName}${place}.lock`;
  try {
    return takeFile(dataFolder, name);
  } catch (error) {
    throw lockError(error, dataFolder, name);
  }
}

/**
 * Waits until no ingest worker of an earlier server writes to a data folder. They end with their server, but not in the same
 * moment.
 *
 * @param limitMs - default 10 s
 * @throws {@link StorageError} `STORAGE_LOCKED` naming the worker that is still there
 */
export async function waitForWorkers(dataFolder: string, limitMs = 10_000): Promise<void> {
  const untilMs = performance.now() + limitMs;
  for (const name of readdirSync(dataFolder).filter((entry) => workerLockPattern.test(entry))) {
    while (!isFree(dataFolder, name)) {
      if (performance.now() >= untilMs) {
        const holder = readHolder(join(dataFolder, `${name}.txt`));
        const detail = `an ingest worker of an earlier server still writes to ${dataFolder}: ${holder}; end it`;
        throw new StorageError("STORAGE_LOCKED", detail);
      }
      await delay(lookIntervalMs);
    }
  }
}

function isFree(folder: string, name: string): boolean {
  try {
    takeFile(folder, name).close();
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw lockError(error, folder, name);
  }
}

function takeLock(dataFolder: string): DataLock {
  try {
    return takeFile(dataFolder, lockName);
  } catch (error) {
    throw lockError(error, dataFolder, lockName);
  }
}

/**
 * Takes the folder of a backup, as {@link openDataLock} takes one of data.
 *
 * @throws {@link StorageError} `STORAGE_IO` naming the holder, or when the folder cannot be written
 */
export function openBackupLock(folder: string): DataLock {
  try {
    return takeFile(folder, backupLockName);
  } catch (error) {
    const holder = readHolder(join(folder, `${backupLockName}.txt`));
    const message = isBusy(error)
      ? `another backup writes to ${folder}: ${holder}; wait for its end`
      : `the folder ${folder} cannot be written; check its path and rights`;
    throw new StorageError("STORAGE_IO", message, { cause: error });
  }
}

function takeFile(folder: string, name: string): DataLock {
  let database: Database.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    database = new Database(join(folder, name), { timeout: 0 });
    database.pragma("journal_mode = MEMORY");
    database.exec("BEGIN EXCLUSIVE");
    writeFileSync(join(folder, `${name}.txt`), `pid ${process.pid} on ${hostname()}`);
  } catch (error) {
    database?.close();
    throw error;
  }
  const held = database;
  heldLocks.add(held);
  return {
    close: () => {
      heldLocks.delete(held);
      if (held.open) held.close();
    },
  };
}

/**
 * Who holds a data folder, without taking it; `undefined`: nobody.
 *
 * @throws the system's or SQLite's error when the lock cannot be looked at
 */
export function findLockHolder(dataFolder: string): string | undefined {
  const path = join(dataFolder, lockName);
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { timeout: 0, readonly: true });
  try {
    database.prepare("SELECT 1 FROM sqlite_schema").get();
    return undefined;
  } catch (error) {
    if (isBusy(error)) {
      return readHolder(join(dataFolder, `${lockName}.txt`));
    }
    throw error;
  } finally {
    database.close();
  }
}

function lockError(error: unknown, dataFolder: string, name: string): StorageError {
  if (isBusy(error)) {
    const holder = readHolder(join(dataFolder, `${name}.txt`));
    return new StorageError("STORAGE_LOCKED", `${dataFolder} is in use by ${holder}`, { cause: error });
  }
  return new StorageError("STORAGE_IO", `the data folder ${dataFolder} cannot be written; check its path and rights`, {
    cause: error,
  });
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === "SQLITE_BUSY";
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "another process";
  }
}
