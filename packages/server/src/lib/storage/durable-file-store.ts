import fs from "node:fs";
import { promisify } from "node:util";
import { systemErrorCode } from "../kernel/errors.ts";

/**
 * Makes the names in a folder durable: created, renamed and removed files. File systems that cannot sync a folder
 * (Windows) are left as they are.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const fd = await openFile(folder, "r");
  try {
    await syncFile(fd);
  } finally {
    // Nobody waits for it: there is nothing left to fail.
    fs.close(fd, () => {});
  }
}

/** Descriptors without a `FileHandle` around them, which costs several times as much. */
const openFile = promisify(fs.open);
const syncFile = promisify(fs.fsync);
/** One trip to another thread; `rm` takes two. */
const unlinkFile = promisify(fs.unlink);

/** As {@link syncFolder}; a folder that is gone has nothing to make durable. */
export async function syncFolderIfThere(folder: string): Promise<void> {
  try {
    await syncFolder(folder);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Size of a file, bytes; 0 for one that is not there. */
export async function fileBytes(path: string): Promise<number> {
  try {
    return (await fs.promises.stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 0;
    throw error;
  }
}

/** Removes a file; one that is gone already is fine. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlinkFile(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
