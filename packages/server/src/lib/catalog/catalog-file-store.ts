import { existsSync, realpathSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import { toCatalogError } from "./catalog-error.ts";
import { migrationNames } from "./migrations/migration-names.ts";

/** "EETC" in SQLite's header: tells a catalogue from any other database. */
const catalogApplicationId = 0x45455443;

/** Longest wait for another process that writes, a tool at most: the server holds the data folder's lock. */
const busyTimeoutMs = 2000;

/** An open catalogue: one connection. */
export interface CatalogFile {
  readonly path: string;
  readonly sqlite: Database.Database;
}

function claimApplicationId(path: string, sqlite: Database.Database): void {
  const applicationId = sqlite.pragma("application_id", { simple: true });
  if (applicationId === catalogApplicationId) return;
  const isEmpty = sqlite.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (applicationId !== 0 || !isEmpty) {
    throw new StorageError(
      "CATALOG_UNREADABLE",
      `${path} is a SQLite database of another program: its application id is ${applicationId}, ` +
        `a catalogue's is ${catalogApplicationId}`,
    );
  }
  sqlite.pragma(`application_id = ${catalogApplicationId}`);
}

function configure(sqlite: Database.Database): void {
  sqlite.pragma("journal_mode = WAL");
  // A power cut may take the last states of uploads, which are then found in the store, but never the file's consistency.
  // Commits of segments are synced afterwards: see WalSync.
  sqlite.pragma("synchronous = NORMAL");
  sqlite.pragma("foreign_keys = ON");
  sqlite.pragma("journal_size_limit = 67108864");
  // 16 MiB: the upper pages of the indices of 10 million segments; what else is asked for the system has in its own cache.
  sqlite.pragma("cache_size = -16384");
}

/** The changes of the schema that a catalogue has, in order; none for a new one. */
function appliedMigrations(sqlite: Database.Database): readonly string[] {
  const hasTable = sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kysely_migration'").get() !== undefined;
  return hasTable ? readMigrations(sqlite) : [];
}

function readMigrations(sqlite: Database.Database): readonly string[] {
  return sqlite.prepare<[], string>("SELECT name FROM kysely_migration ORDER BY name").pluck().all();
}

/**
 * Opens a catalogue's file, or makes an empty one, and brings its schema up to date.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: damaged, another program's, or of a later version
 */
export async function openCatalogFile(path: string): Promise<CatalogFile> {
  await mkdir(dirname(path), { recursive: true });
  let sqlite: Database.Database | undefined;
  try {
    sqlite = new Database(path, { timeout: busyTimeoutMs });
    claimApplicationId(path, sqlite);
    configure(sqlite);
    const file = { path, sqlite };
    if (appliedMigrations(sqlite).join() !== migrationNames.join()) {
      // What builds the changes takes a start longer to load than all else of the catalogue.
      const { migrateCatalog } = await import("./migrate-catalog-store.ts");
      await migrateCatalog(file);
    }
    return file;
  } catch (thrown) {
    sqlite?.close();
    throw toCatalogError(thrown, path);
  }
}

/**
 * Opens a catalogue for reading, whether a server has it open or not: readers of a WAL disturb nobody.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: missing, damaged, another program's, or not of this version
 */
export async function openCatalogFileToRead(path: string): Promise<CatalogFile> {
  let sqlite: Database.Database | undefined;
  try {
    sqlite = new Database(path, { timeout: busyTimeoutMs, readonly: true, fileMustExist: true });
    sqlite.pragma("cache_size = -16384");
    const known = migrationNames.join(", ");
    const applied = readMigrations(sqlite).join(", ");
    if (applied !== known) {
      throw new StorageError(
        "CATALOG_UNREADABLE",
        `${path} has the schema ${applied}, this version reads ${known}; a server of this version brings it up to date`,
      );
    }
    return { path, sqlite };
  } catch (thrown) {
    sqlite?.close();
    throw toCatalogError(thrown, path);
  }
}

/** Where SQLite keeps the log of an open catalogue: beside the file itself, not beside a link to it. */
export function logPathOf({ path }: CatalogFile): string {
  return `${realpathSync(path)}-wal`;
}

/**
 * Brings all that was committed into the catalogue's own file, synced; its log begins anew.
 *
 * @throws StorageError `STORAGE_IO` when the disk refuses it, or somebody who reads keeps it from that
 */
export function checkpointCatalogFile({ path, sqlite }: CatalogFile): void {
  // Nobody waits for a reader here: a backup takes minutes.
  sqlite.pragma("busy_timeout = 0");
  let isBusy: boolean;
  try {
    isBusy = sqlite.pragma("wal_checkpoint(TRUNCATE)", { simple: true }) !== 0;
  } finally {
    sqlite.pragma(`busy_timeout = ${busyTimeoutMs}`);
  }
  if (isBusy) throw new StorageError("STORAGE_IO", `the catalogue ${path} is being read: its log cannot begin anew`);
}

/** Checkpoints and closes; what was committed then stands in the one file. */
export function closeCatalogFile({ path, sqlite }: CatalogFile): void {
  try {
    if (!sqlite.readonly) sqlite.pragma("wal_checkpoint(TRUNCATE)");
  } catch (thrown) {
    throw toCatalogError(thrown, path);
  } finally {
    sqlite.close();
  }
}

/** True when there is a file that may be a catalogue. */
export function hasCatalogFile(path: string): boolean {
  return existsSync(path);
}

/** Removes a closed catalogue, if there is one. */
export async function removeCatalogFile(path: string): Promise<void> {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) await rm(file, { force: true });
}

/** Moves a closed catalogue; one that stands at `to` is replaced. */
export async function moveCatalogFile(from: string, to: string): Promise<void> {
  // A WAL left beside the new file would be applied to it: it goes first.
  for (const ending of ["-wal", "-shm"]) await rm(`${to}${ending}`, { force: true });
  for (const ending of ["-wal", "-shm"]) await renameIfPresent(`${from}${ending}`, `${to}${ending}`);
  await rename(from, to);
  await syncFolder(dirname(to));
}

async function renameIfPresent(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
