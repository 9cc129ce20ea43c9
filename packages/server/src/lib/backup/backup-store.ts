import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { copyCatalogFile, listStoredSegments } from "../catalog/catalog-copy-store.ts";
import { StorageError } from "../kernel/errors.ts";
import { isOfLock, openBackupLock, openDataLock, restoringName } from "../storage/data-lock-store.ts";
import { syncFolder } from "../storage/durable-file-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { copyAccess } from "./access-copy-store.ts";
import { type CopyProgress, type CopyReport, copySegments } from "./segment-copies-store.ts";

const markerName = "eet-backup.json";
const format = "eet.backup-1";
/** Looks at the catalogue again while retention takes files away under the copy. */
const maxRoundCount = 5;

export interface BackupOptions {
  /** Of the server, which may run. */
  readonly dataFolder: string;
  /** Folder of the backup: new, empty, or one that an earlier backup made. */
  readonly target: string;
  /** Removes from the backup what the server has not any more. Default: it stays. */
  readonly isPruning?: boolean;
  readonly onProgress: (progress: CopyProgress) => void;
  /** Stops it; the next run goes on with what is there. */
  readonly signal: AbortSignal;
}

/** What a backup or a restoration came to. `gone` are files that the catalogue has and nobody else. */
export interface BackupReport extends CopyReport {
  /** Files that were removed from the backup. */
  readonly prunedCount: number;
}

/**
 * Backs a data folder up: the catalogue as it is at one moment, the files of every segment in it, tokens and audit log. Files on the same
 * disk are linked, others copied and compared with their SHA-256. At any moment the folder is a whole backup: this one
 * or the one before.
 *
 * @throws StorageError `STORAGE_IO` for a target that is something else, or that another backup writes
 *   to, `CATALOG_UNREADABLE`; the signal's reason
 */
export async function backUp(options: BackupOptions): Promise<BackupReport> {
  const { dataFolder, target } = options;
  await requireTarget(dataFolder, target);
  const lock = openBackupLock(target);
  try {
    if (!existsSync(join(target, markerName))) await writeMarker(target, {});
    return await backUpHeld(options);
  } finally {
    lock.close();
  }
}

async function backUpHeld(options: BackupOptions): Promise<BackupReport> {
  const { dataFolder, target, onProgress, signal } = options;
  const catalogPath = join(target, "catalog.db");
  const freshPath = join(target, "catalog.db.copy");
  let report = emptyReport;
  for (let round = 1; round <= maxRoundCount; round += 1) {
    await copyCatalogFile(join(dataFolder, "catalog.db"), freshPath);
    const [from, to] = [join(dataFolder, "received"), join(target, "received")];
    const copied = await copySegments({ catalogPath: freshPath, from, to, mayLink: true, onProgress, signal });
    const isSettled = copied.gone.every((path) => report.gone.includes(path));
    report = addReports(report, copied);
    // The first round may take hours: the second one takes along what was recorded meanwhile.
    if (round > 1 && isSettled) break;
  }
  await copyAccess(dataFolder, target);
  await rename(freshPath, catalogPath);
  await syncFolder(target);
  await writeMarker(target, { finished: new Date().toISOString(), segments: report.segmentCount });
  const prunedCount = options.isPruning ? await prune(target) : 0;
  return { ...report, prunedCount };
}

export interface RestoreOptions {
  /** Folder of a backup. */
  readonly source: string;
  /** New or empty, or what an earlier run of this has left. */
  readonly dataFolder: string;
  readonly onProgress: (progress: CopyProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes a data folder of a backup: every file is copied and compared with its SHA-256; the catalogue comes last. No server
 * can start on the folder meanwhile, nor when this was interrupted.
 *
 * @throws StorageError `STORAGE_IO` for a folder that is no backup, or a data folder that holds something;
 *   `STORAGE_LOCKED` for one that somebody else uses
 */
export async function restoreBackup(options: RestoreOptions): Promise<CopyReport> {
  const { source, dataFolder } = options;
  const { finished } = await readMarker(source);
  if (finished === undefined) throw new StorageError("STORAGE_IO", `no backup was ever finished in ${source}`);
  await mkdir(dataFolder, { recursive: true });
  // Before the lock: it leaves files, and not in a folder that is of something else.
  await requireRestorable(dataFolder);
  const lock = openDataLock(dataFolder, "restore");
  try {
    await requireRestorable(dataFolder);
    return await restoreHeld(options);
  } finally {
    lock.close();
  }
}

async function requireRestorable(dataFolder: string): Promise<void> {
  const names = await readdir(dataFolder);
  if (names.includes(restoringName) || names.every(isOfLock)) return;
  throw new StorageError("STORAGE_IO", `${dataFolder} is not empty; name a new folder with --data, or move it away`);
}

async function restoreHeld({ source, dataFolder, onProgress, signal }: RestoreOptions): Promise<CopyReport> {
  const restoring = join(dataFolder, restoringName);
  await writeFile(restoring, `${JSON.stringify({ format, source })}\n`, { flush: true });
  await syncFolder(dataFolder);
  const [from, to] = [join(source, "received"), join(dataFolder, "received")];
  await mkdir(to, { recursive: true });
  const catalogPath = join(source, "catalog.db");
  const report = await copySegments({ catalogPath, from, to, mayLink: false, onProgress, signal });
  await copyAccess(source, dataFolder);
  await copyCatalogFile(catalogPath, join(dataFolder, "catalog.db"));
  // What is restored stands before the mark is gone.
  await syncFolder(dataFolder);
  await rm(restoring);
  await syncFolder(dataFolder);
  return report;
}

const emptyReport: CopyReport = {
  ...{ segmentCount: 0, linkedCount: 0, copiedCount: 0, keptCount: 0, bytes: 0, gone: [], damaged: [] },
};

/** What was kept in a later round was counted in the one before. */
function addReports(before: CopyReport, { segmentCount, keptCount, gone, damaged, ...after }: CopyReport): CopyReport {
  return {
    ...{ segmentCount, gone, damaged },
    keptCount: before.segmentCount === 0 ? keptCount : before.keptCount,
    linkedCount: before.linkedCount + after.linkedCount,
    copiedCount: before.copiedCount + after.copiedCount,
    bytes: before.bytes + after.bytes,
  };
}

async function requireTarget(dataFolder: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const [data, backup] = await Promise.all([realpath(dataFolder), realpath(target)]);
  if (`${backup}${sep}`.startsWith(`${data}${sep}`) || `${data}${sep}`.startsWith(`${backup}${sep}`)) {
    throw new StorageError("STORAGE_IO", `${target} and the data folder ${dataFolder} lie within each other`);
  }
  const names = await readdir(target);
  if (!names.every(isOfLock)) await readMarker(target);
}

interface Marker {
  /** When the last backup was finished; absent before the first. */
  readonly finished?: string;
  readonly segments?: number;
}

async function readMarker(folder: string): Promise<Marker> {
  const path = join(folder, markerName);
  if (!existsSync(path)) {
    throw new StorageError("STORAGE_IO", `${folder} is no backup, it has no ${markerName} in it; name another folder`);
  }
  const marker = parseMarker(await readFile(path, "utf8"));
  if (marker?.format === format) return marker;
  const found = marker === undefined ? "is damaged" : `says ${JSON.stringify(marker.format)?.slice(0, 60)}`;
  throw new StorageError("STORAGE_IO", `${path} ${found}, this version knows ${format}`);
}

/** @returns `undefined` for what is no JSON object, or one that nobody could write */
function parseMarker(text: string): (Marker & { readonly format?: unknown }) | undefined {
  try {
    const marker: unknown = JSON.parse(text);
    JSON.stringify(marker);
    return typeof marker === "object" && marker !== null ? marker : undefined;
  } catch {
    return undefined;
  }
}

async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const path = join(folder, markerName);
  await writeFile(`${path}.copy`, `${JSON.stringify({ format, ...marker })}\n`, { flush: true });
  await rename(`${path}.copy`, path);
  await syncFolder(folder);
}

/** Removes files of segments that the backup's catalogue does not have. */
async function prune(target: string): Promise<number> {
  const kept = new Set<string>();
  for (const page of listStoredSegments(join(target, "catalog.db"))) {
    for (const { folder, name, files } of page)
      for (const { kind } of files) kept.add(join(folder, `${name}${segmentEndings[kind]}`));
  }
  const received = join(target, "received");
  const surplus: string[] = [];
  for await (const { folder, names } of scanFolders(received)) {
    surplus.push(...names.map((name) => join(folder, name)).filter((path) => !kept.has(path)));
  }
  if (surplus.length > kept.size) {
    const message = `pruning would remove ${surplus.length} files and keep ${kept.size}: nothing was pruned`;
    throw new StorageError("STORAGE_IO", `${message}; begin a new backup in another folder if that is right`);
  }
  for (const path of surplus) await rm(join(received, path), { force: true });
  return surplus.length;
}
