import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode, toError } from "../kernel/errors.ts";

/** The files of one folder, as names. */
export interface FolderListing {
  /** Absolute path. */
  readonly path: string;
  /** Relative to the scanned root, `/`-separated; empty for the root. */
  readonly folder: string;
  /** Sorted, so that runs over the same tree do the same. */
  readonly names: readonly string[];
}

/** Folders that are read while those before them are looked at: one after the other each would be a wait. */
const readAheadCount = 8;

/** What the file system's own check puts at the top of a mount; as a rule only root may read it. */
const foreignFolder = "lost+found";

/** Told of a folder below the root that cannot be read: it is passed over with all that is in it. */
export type OnUnreadable = (path: string, error: Error) => void;

/**
 * Walks a tree folder by folder, parents first. Links are not followed, so that no walk leaves the tree; a `lost+found`
 * in the root is none of its folders. A root that does not exist has no folders.
 *
 * @param onUnreadable - default: the walk ends there
 * @throws the system's error when the root, or without `onUnreadable` any folder, cannot be read
 */
export async function* scanFolders(root: string, onUnreadable?: OnUnreadable): AsyncGenerator<FolderListing> {
  yield* walk({ root, onUnreadable }, "", readEntries(root));
}

interface Walk {
  readonly root: string;
  readonly onUnreadable: OnUnreadable | undefined;
}

async function* walk(
  { root, onUnreadable }: Walk,
  folder: string,
  reading: Promise<Dirent[]>,
): AsyncGenerator<FolderListing> {
  const entries = await reading.catch((thrown) => {
    if (folder === "" || onUnreadable === undefined) throw thrown;
    onUnreadable(pathOf(root, folder), toError(thrown));
    return undefined;
  });
  if (entries === undefined) return;
  yield {
    path: pathOf(root, folder),
    folder,
    names: entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort(),
  };
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const children = names
    .sort()
    .map((name) => (folder === "" ? name : `${folder}/${name}`))
    .filter((child) => child !== foreignFolder);
  const ahead: Promise<Dirent[]>[] = [];
  for (const [place, child] of children.entries()) {
    for (const next of children.slice(place + ahead.length, place + readAheadCount)) {
      const nextReading = readEntries(pathOf(root, next));
      // Told when its turn comes, which may be never.
      nextReading.catch(() => {});
      ahead.push(nextReading);
    }
    yield* walk({ root, onUnreadable }, child, ahead.shift() ?? readEntries(pathOf(root, child)));
  }
}

function pathOf(root: string, folder: string): string {
  return folder === "" ? root : join(root, folder);
}

async function readEntries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
