import { Kysely, SqliteDialect } from "kysely";
import { Migrator } from "kysely/migration";
import { StorageError, systemErrorCode, toError } from "../kernel/errors.ts";
import type { CatalogFile } from "./catalog-file-store.ts";
import { migrationNames } from "./migrations/migration-names.ts";
import { migrations } from "./migrations/migrations.ts";
import type { CatalogSchema } from "./schema.ts";

/** What a migration fails with that finds other tables than those before it have made. */
const schemaFault = /^SQLITE_(?:ERROR|CONSTRAINT|MISMATCH)/;

/**
 * Brings the schema of a catalogue up to date.
 *
 * @throws StorageError `CATALOG_UNREADABLE`: it holds another schema than it says, or is of a later version
 */
export async function migrateCatalog(file: CatalogFile): Promise<void> {
  const db = new Kysely<CatalogSchema>({ dialect: new SqliteDialect({ database: file.sqlite }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  // All or nothing: a server that is killed in the middle begins again.
  file.sqlite.exec("BEGIN IMMEDIATE");
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) {
    file.sqlite.exec("COMMIT");
    return;
  }
  if (file.sqlite.inTransaction) file.sqlite.exec("ROLLBACK");
  const code = systemErrorCode(error);
  if (code !== undefined && schemaFault.test(code)) {
    const message = `${file.path} holds another schema than it says, and cannot be brought up to date: ${toError(error).message}`;
    throw new StorageError("CATALOG_UNREADABLE", message, { cause: error });
  }
  if (code !== undefined) throw error;
  throw new StorageError(
    "CATALOG_UNREADABLE",
    `${file.path} was not made by this version or an earlier one, which know ${migrationNames.join(", ")}`,
    { cause: error },
  );
}
