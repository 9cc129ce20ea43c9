import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SpoolError, toSpoolError } from "./spool-error.ts";

/** The right to be the one process that uses a spool's folder. */
export interface SpoolLock {
  /** Gives the folder free; later calls do nothing. */
  close(): void;
}

const sqliteBusy = 5;
/** Locks that nobody refers to would end when their memory is collected. */
const heldLocks = new Set<DatabaseSync>();

/**
 * Takes the folder, which must be there. The lock is an exclusive SQLite transaction: the system drops it with the
 * process, however that ends, so no stale lock is ever left behind. Nobody else may open the file `spool.lock`: closing it
 * would end the lock.
 *
 * @throws {@link SpoolError} `SPOOL_LOCKED` naming the holder, `SPOOL_IO` or `SPOOL_DISK_FULL`
 */
export function openSpoolLock(folder: string): SpoolLock {
  const holderPath = join(folder, "spool.lock.txt");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, "spool.lock"), { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if ((error as { errcode?: unknown }).errcode === sqliteBusy) {
      throw new SpoolError("SPOOL_LOCKED", `the spool ${folder} is in use by ${readHolder(holderPath)}`, {
        cause: error,
      });
    }
    throw toSpoolError(`the spool ${folder} cannot be used`, error);
  }
  nameHolder(holderPath);
  const held = database;
  heldLocks.add(held);
  return {
    close: () => {
      if (heldLocks.delete(held)) held.close();
    },
  };
}

/** For those who are refused. A full disk is no reason not to open: what is in the spool can still be sent. */
function nameHolder(path: string): void {
  try {
    writeFileSync(path, `pid ${process.pid} on ${hostname()}`);
  } catch {
    // The refused hear of "another process" then.
  }
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8") || "another process";
  } catch {
    return "another process";
  }
}
