import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Database from "better-sqlite3";
import { StorageError } from "../kernel/errors.ts";
import { toCatalogError } from "./catalog-error.ts";

function codeOf(sqliteCode: string): string | undefined {
  const error = toCatalogError(new Database.SqliteError("words", sqliteCode), "/data/catalog.db");
  return error instanceof StorageError ? error.code : undefined;
}

describe("toCatalogError", () => {
  it("tells apart what the operator must do", () => {
    assert.equal(codeOf("SQLITE_NOTADB"), "CATALOG_UNREADABLE");
    assert.equal(codeOf("SQLITE_CORRUPT_INDEX"), "CATALOG_UNREADABLE");
    assert.equal(codeOf("SQLITE_FULL"), "STORAGE_FULL");
    assert.equal(codeOf("SQLITE_IOERR_WRITE"), "STORAGE_IO");
    assert.equal(codeOf("SQLITE_BUSY"), "STORAGE_IO");
    assert.equal(codeOf("SQLITE_CONSTRAINT_UNIQUE"), "INTERNAL");
  });

  it("keeps the cause, and names the file and SQLite's code", () => {
    const cause = new Database.SqliteError("database or disk is full", "SQLITE_FULL");
    const error = toCatalogError(cause, "/data/catalog.db");
    assert.equal(error.cause, cause);
    assert.equal(error.message, "the catalogue /data/catalog.db fails: database or disk is full (SQLITE_FULL)");
  });

  it("passes on what is not SQLite's", () => {
    const error = new TypeError("a defect");
    assert.equal(toCatalogError(error, "x"), error);
  });
});
