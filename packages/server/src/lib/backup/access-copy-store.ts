import { existsSync } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { StorageError, systemErrorCode, toError } from "../kernel/errors.ts";
import { syncFolder } from "../storage/durable-file-store.ts";

const databaseName = "access.db";
const auditName = "audit";
/** Of files that nobody but their owner may read. */
const ownMode = 0o600;
const ownFolderMode = 0o700;
const busyTimeoutMs = 5_000;
/** All of it at a time: what a connection copies page by page begins again whenever another one has written. */
const pagesPerStep = 2 ** 30;
const lineBreak = 0x0a;

/**
 * Copies who may do what, and who did: the tokens as they are at one moment, without the logins that go on, and the audit
 * log. Nobody but the owner may read the copies. What the source has not is not in the copy.
 *
 * @param from - data folder or backup; a server may run on it
 * @param to - data folder or backup; no server runs on it
 * @throws StorageError `ACCESS_UNREADABLE` for tokens that are damaged; the system's error for a disk that fails
 */
export async function copyAccess(from: string, to: string): Promise<void> {
  await copyTokens(join(from, databaseName), join(to, databaseName));
  await copyAuditLog(join(from, auditName), join(to, auditName));
  await syncFolder(to);
}

async function copyTokens(from: string, to: string): Promise<void> {
  if (!existsSync(from)) {
    await rm(to, { force: true });
    return;
  }
  const copy = `${to}.copy`;
  await rm(copy, { force: true });
  // Made here: what SQLite makes has the rights of the umask.
  await (await open(copy, "wx", ownMode)).close();
  let source: Database.Database | undefined;
  try {
    source = new Database(from, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    await source.backup(copy, { progress: () => pagesPerStep });
    settleTokens(copy);
  } catch (thrown) {
    await rm(copy, { force: true });
    throw new StorageError("ACCESS_UNREADABLE", `${from}: ${toError(thrown).message}`, { cause: thrown });
  } finally {
    source?.close();
  }
  await rename(copy, to);
}

/** Checks a copy, takes the logins out and leaves one file of it, without a log beside it. */
function settleTokens(path: string): void {
  const copy = new Database(path);
  try {
    const verdict = copy.prepare<[], string>("PRAGMA quick_check(1)").pluck().get();
    if (verdict !== "ok") throw new RangeError(`the copy is damaged: ${verdict}`);
    copy.pragma("journal_mode = DELETE");
    // Who has logged out, or lost the role since, must not be let in by what is restored.
    const hasSessions = copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'session'").get() !== undefined;
    if (hasSessions) copy.exec("DELETE FROM session");
  } finally {
    copy.close();
  }
}

async function copyAuditLog(from: string, to: string): Promise<void> {
  let known: readonly string[] = [];
  for (;;) {
    const logs = await listLogs(from);
    // What was put aside while it was copied has a name that was not there before.
    if (logs.every((name) => known.includes(name))) return;
    await mkdir(to, { recursive: true, mode: ownFolderMode });
    await chmod(to, ownFolderMode);
    for (const name of logs) await copyLog(join(from, name), join(to, name));
    await syncFolder(to);
    known = logs;
  }
}

async function listLogs(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^audit.*\.jsonl$/.test(name)).sort();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Whole lines only: the last one may be under way. */
async function copyLog(from: string, to: string): Promise<void> {
  try {
    await using source = await open(from, "r");
    const { size } = await source.stat();
    // One that was put aside is never written to again.
    if (!from.endsWith("audit.jsonl") && (await sizeOf(to)) === size) return;
    const bytes = await source.readFile();
    const part = `${to}.copy`;
    await rm(part, { force: true });
    await using target = await open(part, "wx", ownMode);
    await target.writeFile(bytes.subarray(0, bytes.lastIndexOf(lineBreak) + 1));
    await target.datasync();
    await rename(part, to);
  } catch (error) {
    // Put aside, or over, since the look at the folder.
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
