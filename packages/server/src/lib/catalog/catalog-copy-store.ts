import { rm } from "node:fs/promises";
import Database from "better-sqlite3";
import { StorageError } from "../kernel/errors.ts";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import { toCatalogError } from "./catalog-error.ts";

const busyTimeoutMs = 2_000;
/** All of it at a time: what a connection copies page by page begins again whenever another one has written. */
const pagesPerStep = 2 ** 30;
const pageLength = 500;

/** A file of a segment as the catalogue knows it. */
export interface StoredFile {
  readonly kind: SegmentFileKind;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A segment of which the catalogue says that it has local files. */
export interface StoredSegment {
  /** Relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** File name without ending. */
  readonly name: string;
  /** The sidecar alone, where the rest is in the object store only. */
  readonly files: readonly StoredFile[];
}

/**
 * Copies a catalogue as it is at one moment into a single file, whether a server writes to it or not.
 *
 * @param to - written over
 * @throws StorageError `CATALOG_UNREADABLE` when the catalogue is missing or damaged, or the copy is
 */
export async function copyCatalogFile(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  let source: Database.Database | undefined;
  try {
    source = new Database(from, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    // Held, so that every page is of this moment.
    source.exec("BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    await source.backup(to, { progress: () => pagesPerStep });
  } catch (thrown) {
    throw toCatalogError(thrown, from);
  } finally {
    source?.close();
  }
  settleCopy(to);
}

/** Checks a copy and leaves one file of it, without a log beside it. */
function settleCopy(path: string): void {
  const copy = new Database(path);
  try {
    const verdict = copy.prepare<[], string>("PRAGMA quick_check(1)").pluck().get();
    if (verdict !== "ok") throw new StorageError("CATALOG_UNREADABLE", `the copy ${path} is damaged: ${verdict}`);
    copy.pragma("journal_mode = DELETE");
  } catch (thrown) {
    throw toCatalogError(thrown, path);
  } finally {
    copy.close();
  }
}

interface Row {
  readonly id: number;
  readonly folder: string;
  readonly name: string;
  readonly evicted_ms: number | null;
  readonly bin_bytes: number;
  readonly bin_sha256: string;
  readonly wav_bytes: number | null;
  readonly wav_sha256: string | null;
  readonly json_bytes: number;
  readonly json_sha256: string;
}

/** The segments of a catalogue that nobody writes to, some hundred at a time. */
export function* listStoredSegments(path: string): Generator<readonly StoredSegment[]> {
  const sqlite = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const page = sqlite.prepare<[after: number, limit: number], Row>(
      `SELECT id, folder, name, evicted_ms, bin_bytes, bin_sha256, wav_bytes, wav_sha256, json_bytes, json_sha256
       FROM segments WHERE id > ? ORDER BY id LIMIT ?`,
    );
    for (let rows = page.all(0, pageLength); rows.length > 0; rows = page.all(rows.at(-1)?.id ?? 0, pageLength)) {
      yield rows.map(({ folder, name, ...row }) => ({ folder, name, files: filesOf(row) }));
    }
  } catch (thrown) {
    throw toCatalogError(thrown, path);
  } finally {
    sqlite.close();
  }
}

/** The sidecar last: where it is, the others are. */
function filesOf(row: Omit<Row, "folder" | "name">): readonly StoredFile[] {
  const json: StoredFile = { kind: "json", bytes: row.json_bytes, sha256: row.json_sha256 };
  if (row.evicted_ms !== null) return [json];
  const bin: StoredFile = { kind: "bin", bytes: row.bin_bytes, sha256: row.bin_sha256 };
  if (row.wav_bytes === null || row.wav_sha256 === null) return [bin, json];
  return [bin, { kind: "wav", bytes: row.wav_bytes, sha256: row.wav_sha256 }, json];
}
