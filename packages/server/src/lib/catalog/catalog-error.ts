import type { ServerErrorCode } from "../kernel/error-table.ts";
import { StorageError, systemErrorCode, toError } from "../kernel/errors.ts";

// Extended result codes begin with their primary one: SQLITE_IOERR_WRITE, SQLITE_CORRUPT_INDEX, ...
const codesBySqlitePrefix: readonly (readonly [prefix: string, code: ServerErrorCode])[] = [
  ["SQLITE_NOTADB", "CATALOG_UNREADABLE"],
  ["SQLITE_CORRUPT", "CATALOG_UNREADABLE"],
  ["SQLITE_FULL", "STORAGE_FULL"],
  ["SQLITE_IOERR", "STORAGE_IO"],
  ["SQLITE_CANTOPEN", "STORAGE_IO"],
  ["SQLITE_READONLY", "STORAGE_IO"],
  ["SQLITE_PERM", "STORAGE_IO"],
  ["SQLITE_BUSY", "STORAGE_IO"],
  ["SQLITE_", "INTERNAL"],
];

/**
 * What SQLite threw as a `StorageError` that says what to do; anything else as it is.
 *
 * @param path - the database file
 */
export function toCatalogError(thrown: unknown, path: string): Error {
  const error = toError(thrown);
  const sqliteCode = systemErrorCode(error) ?? "";
  const code = codesBySqlitePrefix.find(([prefix]) => sqliteCode.startsWith(prefix))?.[1];
  if (code === undefined) return error;
  return new StorageError(code, `the catalogue ${path} fails: ${error.message} (${sqliteCode})`, { cause: error });
}

/** Runs `work` and throws what SQLite throws as {@link toCatalogError} does. */
export function withCatalogErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw toCatalogError(thrown, path);
  }
}
