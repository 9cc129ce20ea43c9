import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { StorageError } from "../kernel/errors.ts";

/** Stands in a data folder while it is made of a backup, and when that was interrupted. */
export const restoringName = "eet-restoring.json";
/** What a lock leaves in a folder, by the beginning of the names. */
const lockName = "server.lock";
const backupLockName = "eet-backup.lock";

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
  return name.startsWith(lockName) || name.startsWith(backupLockName);
}

function takeLock(dataFolder: string): DataLock {
  try {
    return takeFile(dataFolder, lockName);
  } catch (error) {
    throw lockError(error, dataFolder);
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

function lockError(error: unknown, dataFolder: string): StorageError {
  if (isBusy(error)) {
    const holder = readHolder(join(dataFolder, `${lockName}.txt`));
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
