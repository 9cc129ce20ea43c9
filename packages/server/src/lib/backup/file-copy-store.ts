import { createHash } from "node:crypto";
import { link, lstat, mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import { removeFile } from "../storage/durable-file-store.ts";

/** What a file must hold. */
export interface FileFacts {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** How a file came to stand at its place; `gone`: it is neither there nor at its source. */
export type CopyOutcome = "kept" | "linked" | "copied" | "gone";

export interface CopyOrder {
  readonly from: string;
  readonly to: string;
  readonly facts: FileFacts;
  /** Whether the two may be one file under two names: files of closed segments are never written to again. */
  readonly mayLink: boolean;
}

const chunkBytes = 1024 * 1024;

/** What the system says where a second name cannot be given. */
const unlinkable: ReadonlySet<string | undefined> = new Set(["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"]);

/**
 * Makes a file stand at another place, synced, with the bytes it must have. What stands there already and looks the same is kept.
 *
 * @throws StorageError `SEGMENT_UNREADABLE` for other bytes than it must have; the system's error for a disk that fails
 */
export async function copyFileVerified(order: CopyOrder): Promise<CopyOutcome> {
  const { from, to, facts, mayLink } = order;
  const [source, present] = await Promise.all([statIfThere(from), statIfThere(to)]);
  if (source === undefined) return present?.size === facts.bytes ? "kept" : "gone";
  if (!source.isFile()) throw new StorageError("SEGMENT_UNREADABLE", `${from} is no file, but a link or a folder`);
  if (present !== undefined && present.size === facts.bytes) {
    const isSame = present.ino === source.ino && present.dev === source.dev;
    if (isSame || Math.abs(present.mtimeMs - source.mtimeMs) < 1) return "kept";
  }
  if (source.size !== facts.bytes) {
    throw new StorageError("SEGMENT_UNREADABLE", `${from} has ${source.size} bytes, it must have ${facts.bytes}`);
  }
  await mkdir(dirname(to), { recursive: true });
  if (mayLink && (await tryToLink(from, to))) return "linked";
  const part = `${to}.copy`;
  try {
    await copyHashed(from, part, facts);
    await utimes(part, source.atime, source.mtime);
    await rename(part, to);
    return "copied";
  } catch (error) {
    await removeFile(part);
    if (systemErrorCode(error) === "ENOENT" && (await statIfThere(from)) === undefined) return "gone";
    throw error;
  }
}

async function tryToLink(from: string, to: string): Promise<boolean> {
  try {
    await rm(to, { force: true });
    await link(from, to);
    return true;
  } catch (error) {
    // What is gone by now is found to be so by the copy.
    if (unlinkable.has(systemErrorCode(error)) || systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function copyHashed(from: string, to: string, { bytes, sha256 }: FileFacts): Promise<void> {
  await using source = await open(from, "r");
  await using target = await open(to, "w");
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, bytes)));
  let copiedBytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(chunk, 0, chunk.byteLength, copiedBytes);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    await target.writeFile(chunk.subarray(0, bytesRead));
    copiedBytes += bytesRead;
  }
  if (copiedBytes !== bytes || hash.digest("hex") !== sha256) {
    throw new StorageError("SEGMENT_UNREADABLE", `${from} has other bytes than the catalogue says`);
  }
  await target.datasync();
}

async function statIfThere(path: string) {
  try {
    // Not what a link leads to: it would be the link that is given a second name.
    return await lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
