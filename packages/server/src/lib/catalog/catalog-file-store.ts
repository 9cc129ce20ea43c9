import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { Migrator } from "kysely/migration";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import { toCatalogError } from "./catalog-error.ts";
import { migrations } from "./migrations/migrations.ts";
import type { CatalogSchema } from "./schema.ts";

/** "EETC" in SQLite's header: tells a catalogue from any other database. */
const catalogApplicationId = 0x45455443;

/** Longest wait for another process that writes, a tool at most: the server holds the data folder's lock. */
const busyTimeoutMs = 2000;

/** An open catalogue: one connection, spoken to directly on hot paths and through kysely elsewhere. */
export interface CatalogFile {
  readonly path: string;
  readonly sqlite: Database.Database;
  readonly kysely: Kysely<CatalogSchema>;
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
  // Commits of segments are synced: see SqliteCatalog.
  sqlite.pragma("synchronous = NORMAL");
  sqlite.pragma("foreign_keys = ON");
  sqlite.pragma("journal_size_limit = 67108864");
}

async function migrate(file: CatalogFile): Promise<void> {
  const migrator = new Migrator({ db: file.kysely, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (systemErrorCode(error) !== undefined) throw error;
  throw new StorageError(
    "CATALOG_UNREADABLE",
    `${file.path} was not made by this version or an earlier one, which know ${Object.keys(migrations).join(", ")}`,
    { cause: error },
  );
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
    const file = {
      path,
      sqlite,
      kysely: new Kysely<CatalogSchema>({ dialect: new SqliteDialect({ database: sqlite }) }),
    };
    await migrate(file);
    return file;
  } catch (thrown) {
    sqlite?.close();
    throw toCatalogError(thrown, path);
  }
}

/** Checkpoints and closes; what was committed then stands in the one file. */
export function closeCatalogFile({ path, sqlite }: CatalogFile): void {
  try {
    sqlite.pragma("wal_checkpoint(TRUNCATE)");
  } catch (thrown) {
    throw toCatalogError(thrown, path);
  } finally {
    sqlite.close();
  }
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
