import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { StorageError, toError } from "../kernel/errors.ts";

const schemaVersion = 1;
const schema = `
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('device', 'api')),
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  hwid_pattern TEXT,
  role TEXT CHECK (role IN ('viewer', 'operator', 'admin')),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  last_used_ms INTEGER,
  revoked_ms INTEGER,
  CHECK ((kind = 'device') = (hwid_pattern IS NOT NULL) AND (kind = 'api') = (role IS NOT NULL))
) STRICT;
PRAGMA user_version = ${schemaVersion};
`;

// Earlier versions pass over a table that they do not know: the version stays.
const sessionSchema = `
CREATE TABLE IF NOT EXISTS session (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  token_id TEXT,
  person TEXT,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  begun_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  CHECK ((token_id IS NULL) = (person IS NOT NULL))
) STRICT, WITHOUT ROWID;
`;

// Earlier versions pass over a column that they do not know, too. 0: without an end.
const lifetimeSchema = `
ALTER TABLE token ADD COLUMN lifetime_ms INTEGER;
UPDATE token SET lifetime_ms = ifnull(expires_ms - created_ms, 0);
`;

/**
 * Opens the SQLite file of tokens and sessions, which several processes may write at once: a running server, and the
 * command line beside it. It holds no secret, only hashes; it is made where it is missing, for its owner alone.
 *
 * @throws StorageError `ACCESS_UNREADABLE` for a file that is damaged, another program's or of a later version
 */
export function openAccessDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Made here: what SQLite makes has the rights of the umask. Its log beside it takes those of the file.
    closeSync(openSync(path, "a", 0o600));
    database = new Database(path, { timeout: 5_000 });
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    prepareSchema(database);
    return database;
  } catch (thrown) {
    database?.close();
    throw new StorageError("ACCESS_UNREADABLE", `${path}: ${toError(thrown).message}`, { cause: thrown });
  }
}

function prepareSchema(database: Database.Database): void {
  // Immediate: of two processes that open a new file at once, one makes the tables.
  database
    .transaction(() => {
      const version = database.pragma("user_version", { simple: true });
      if (version === 0) database.exec(schema);
      else if (version !== schemaVersion) throw new RangeError(`its version is ${version}, known is ${schemaVersion}`);
      database.exec(sessionSchema);
      const hasLifetime = database.prepare("SELECT 1 FROM pragma_table_info('token') WHERE name = 'lifetime_ms'").get();
      if (hasLifetime === undefined) database.exec(lifetimeSchema);
    })
    .immediate();
}
