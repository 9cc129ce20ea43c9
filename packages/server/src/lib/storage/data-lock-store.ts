import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { StorageError } from "../kernel/errors.ts";

/** The right to be the one server that writes to a data folder. */
export interface DataLock {
  /** Gives the folder free; later calls do nothing. */
  close(): void;
}

/**
 * Takes the data folder, creating it if needed. The lock is an exclusive SQLite transaction: the system drops it with
 * the process, however that ends, so no stale lock is ever left behind.
 *
 * @throws {@link StorageError} `STORAGE_LOCKED` naming the holder, `STORAGE_IO` when the folder cannot be written
 */
export function openDataLock(dataFolder: string): DataLock {
  const holderPath = join(dataFolder, "server.lock.txt");
  let database: Database.Database | undefined;
  try {
    mkdirSync(dataFolder, { recursive: true });
    database = new Database(join(dataFolder, "server.lock"), { timeout: 0 });
    database.pragma("journal_mode = MEMORY");
    database.exec("BEGIN EXCLUSIVE");
    writeFileSync(holderPath, `pid ${process.pid} on ${hostname()}`);
  } catch (error) {
    database?.close();
    throw lockError(error, dataFolder, holderPath);
  }
  const held = database;
  return {
    close: () => {
      if (held.open) held.close();
    },
  };
}

function lockError(error: unknown, dataFolder: string, holderPath: string): StorageError {
  if (error instanceof Database.SqliteError && error.code === "SQLITE_BUSY") {
    return new StorageError("STORAGE_LOCKED", `${dataFolder} is in use by ${readHolder(holderPath)}`, { cause: error });
  }
  return new StorageError("STORAGE_IO", `the data folder ${dataFolder} cannot be written; check its path and rights`, {
    cause: error,
  });
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "another process";
  }
}
