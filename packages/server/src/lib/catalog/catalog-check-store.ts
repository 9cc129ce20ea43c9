import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { toError } from "../kernel/errors.ts";
import { migrationNames } from "./migrations/migration-names.ts";

const busyTimeoutMs = 2_000;
const maxFaultCount = 5;

/** What a look at a catalogue's file found. */
export interface CatalogVerdict {
  /** `older`: a server of this version brings it up to date; `unknown`: of a later version, or not a catalogue. */
  readonly schema: "missing" | "current" | "older" | "unknown";
  /** What SQLite finds wrong in the file, at most 5; empty when it is whole. */
  readonly faults: readonly string[];
  readonly segmentCount: number;
  /** When the newest segment begins, ms since 1970; `undefined` where there is none. */
  readonly newestMs: number | undefined;
}

/** Looks through a catalogue's file for damage, beside a server or without one. Reads all of it. Never throws. */
export function checkCatalogFile(path: string): CatalogVerdict {
  const nothing = { faults: [], segmentCount: 0, newestMs: undefined };
  if (!existsSync(path)) return { ...nothing, schema: "missing" };
  let sqlite: Database.Database | undefined;
  try {
    sqlite = new Database(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    const told = sqlite.prepare<[], string>(`PRAGMA quick_check(${maxFaultCount})`).pluck().all();
    const schema = readSchema(sqlite);
    const faults = told.filter((line) => line !== "ok");
    if (schema === "unknown" || faults.length > 0) return { ...nothing, schema, faults };
    const read = "SELECT count(*) AS segmentCount, max(start_ms) AS newestMs FROM segments";
    const counts = sqlite.prepare<[], { segmentCount: number; newestMs: number | null }>(read).get();
    return { schema, faults, segmentCount: counts?.segmentCount ?? 0, newestMs: counts?.newestMs ?? undefined };
  } catch (thrown) {
    return { ...nothing, schema: "unknown", faults: [toError(thrown).message] };
  } finally {
    sqlite?.close();
  }
}

function readSchema(sqlite: Database.Database): CatalogVerdict["schema"] {
  const hasOne = sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kysely_migration'").get() !== undefined;
  if (!hasOne) return "unknown";
  const applied = sqlite.prepare<[], string>("SELECT name FROM kysely_migration ORDER BY name").pluck().all();
  const known = migrationNames;
  if (applied.length > known.length || applied.some((name, at) => name !== known[at])) return "unknown";
  return applied.length === known.length ? "current" : "older";
}
