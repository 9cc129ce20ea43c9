import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";

/**
 * Whether a folder of segments is reached over a symbolic link, so that its files are not where they seem to be. What
 * lies behind one is neither deleted nor copied, as no walk over the folder finds it either.
 *
 * @param root - `data/received`, which may be reached over links itself
 * @param folder - relative to it, `/`-separated; empty for the root
 * @returns false as well for a folder that is not there
 */
export async function isLinkedFolder(root: string, folder: string): Promise<boolean> {
  try {
    const [realRoot, realFolder] = await Promise.all([realpath(root), realpath(join(root, folder))]);
    return realFolder !== join(realRoot, folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Tells that what lies behind a link is left alone. */
export function behindLink(folder: string): StorageError {
  return new StorageError("STORAGE_IO", `${folder} is behind a symbolic link: what lies there is left alone`);
}
