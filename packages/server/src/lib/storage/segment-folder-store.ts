import { mkdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { systemErrorCode } from "../kernel/errors.ts";
import { FolderSyncs } from "./folder-syncs-store.ts";

/** Names that are remembered; past them each is synced once more. */
const maxKnownCount = 100_000;

/**
 * The folders below `data/received`. Each file's first sync must make durable the names of all folders above it, which
 * another segment may have made and not synced yet; a name that has been synced once is not synced again.
 */
export class SegmentFolders {
  readonly #rootPath: string;
  /** Folders whose own names are durable. */
  readonly #known = new Set<string>();
  readonly #syncs = new FolderSyncs();

  /** @param rootPath - `data/received`, which exists and whose own name is durable */
  constructor(rootPath: string) {
    this.#rootPath = rootPath;
  }

  /** Makes a folder and those above it. @param folder - relative to the root, `/`-separated; empty for the root itself */
  async make(folder: string): Promise<void> {
    const firstMade = await mkdir(join(this.#rootPath, folder), { recursive: true });
    if (firstMade === undefined) return;
    // It was deleted since, with what lay below.
    const made = relative(this.#rootPath, firstMade).split(sep).join("/");
    for (const known of this.#known) if (known === made || known.startsWith(`${made}/`)) this.#known.delete(known);
  }

  /**
   * Does something in a folder, which is made if needed: before the work when its name is not known to be durable, else
   * only when the work says that it was deleted meanwhile.
   */
  async within<T>(folder: string, work: () => Promise<T>): Promise<T> {
    if (!this.#known.has(folder)) await this.make(folder);
    try {
      return await work();
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
    await this.make(folder);
    return work();
  }

  /** Makes the names of the files in `folder` durable, and its own. @throws the system's error */
  async sync(folder: string): Promise<void> {
    await Promise.all(this.unsyncedAbove(folder).map((path) => this.#syncs.sync(path)));
    this.noteSynced(folder);
  }

  /** Paths of the folders to sync for the name of a file in `folder` to be durable, innermost first. */
  unsyncedAbove(folder: string): readonly string[] {
    const paths = [join(this.#rootPath, folder)];
    for (let at = folder; at !== ""; at = parentOf(at)) {
      if (!this.#known.has(at)) paths.push(join(this.#rootPath, parentOf(at)));
    }
    return paths;
  }

  /** All of {@link unsyncedAbove} were synced after they were asked for. */
  noteSynced(folder: string): void {
    if (this.#known.size >= maxKnownCount) this.#known.clear();
    for (let at = folder; at !== ""; at = parentOf(at)) this.#known.add(at);
  }
}

function parentOf(folder: string): string {
  const parent = dirname(folder);
  return parent === "." ? "" : parent;
}
