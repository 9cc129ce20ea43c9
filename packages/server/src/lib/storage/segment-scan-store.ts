import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../kernel/errors.ts";

/** The files of one folder, as names. */
export interface FolderListing {
  /** Absolute path. */
  readonly path: string;
  /** Relative to the scanned root, `/`-separated; empty for the root. */
  readonly folder: string;
  /** Sorted, so that runs over the same tree do the same. */
  readonly names: readonly string[];
}

/**
 * Walks a tree folder by folder, parents first. Links are not followed, so that no walk leaves the tree. A root that
 * does not exist has no folders.
 */
export async function* scanFolders(root: string, folder = ""): AsyncGenerator<FolderListing> {
  const path = folder === "" ? root : join(root, folder);
  const entries = await readEntries(path);
  yield {
    path,
    folder,
    names: entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort(),
  };
  const children = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  for (const child of children.sort()) yield* scanFolders(root, folder === "" ? child : `${folder}/${child}`);
}

async function readEntries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
