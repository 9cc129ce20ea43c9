import { join, resolve, sep } from "node:path";
import { listStoredSegments, type StoredSegment } from "../catalog/catalog-copy-store.ts";
import { StorageError, toError } from "../kernel/errors.ts";
import { syncFolderIfThere } from "../storage/durable-file-store.ts";
import { behindLink, isLinkedFolder } from "../storage/linked-folder-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { type CopyOutcome, copyFileVerified } from "./file-copy-store.ts";

/** Segments copied side by side: a copy mostly waits for its sync. */
const atOnce = 8;

/** What has been done so far. */
export interface CopyProgress {
  readonly segmentCount: number;
  readonly linkedCount: number;
  readonly copiedCount: number;
  /** Of the files that were linked or copied. */
  readonly bytes: number;
}

/** What copying all segments of a catalogue came to. */
export interface CopyReport extends CopyProgress {
  /** Files that were there before. */
  readonly keptCount: number;
  /** Paths below `received` that are neither at their source nor at their place. */
  readonly gone: readonly string[];
  /** A sentence for each file that has other bytes than the catalogue says; it is left out. */
  readonly damaged: readonly string[];
}

export interface CopySegmentsOptions {
  /** The catalogue that lists them; nobody writes to it. */
  readonly catalogPath: string;
  /** Folder `received` to copy from. */
  readonly from: string;
  /** Folder `received` to copy to. */
  readonly to: string;
  readonly mayLink: boolean;
  readonly onProgress: (progress: CopyProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Copies the files of every segment that a catalogue has; what stands at its place already is kept.
 *
 * @throws the signal's reason when it is aborted; the system's error when a disk fails
 */
export async function copySegments(options: CopySegmentsOptions): Promise<CopyReport> {
  const run = new CopyRun(options);
  for (const page of listStoredSegments(options.catalogPath)) {
    for (let at = 0; at < page.length; at += atOnce) await run.copy(page.slice(at, at + atOnce));
  }
  return await run.end();
}

class CopyRun {
  readonly #options: CopySegmentsOptions;
  readonly #counts: Record<CopyOutcome, number> = { kept: 0, linked: 0, copied: 0, gone: 0 };
  readonly #gone: string[] = [];
  readonly #damaged: string[] = [];
  readonly #changedFolders = new Set<string>();
  #segmentCount = 0;
  #bytes = 0;

  constructor(options: CopySegmentsOptions) {
    this.#options = options;
  }

  async copy(segments: readonly StoredSegment[]): Promise<void> {
    this.#options.signal.throwIfAborted();
    await Promise.all(segments.map((segment) => this.#copySegment(segment)));
    this.#segmentCount += segments.length;
    this.#options.onProgress(this.#progress());
  }

  async #copySegment({ folder, name, files }: StoredSegment): Promise<void> {
    const { from, to, mayLink } = this.#options;
    // One after the other: the sidecar comes last, so that it stands only where the rest does.
    for (const { kind, ...facts } of files) {
      const path = join(folder, `${name}${segmentEndings[kind]}`);
      try {
        if (await isLinkedFolder(from, folder)) throw behindLink(join(from, folder));
        const order = { from: placeBelow(from, path), to: placeBelow(to, path), facts, mayLink };
        const outcome = await copyFileVerified(order);
        this.#counts[outcome] += 1;
        if (outcome === "gone") this.#gone.push(path);
        if (outcome !== "linked" && outcome !== "copied") continue;
        this.#bytes += facts.bytes;
        this.#changedFolders.add(join(to, folder));
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        this.#damaged.push(toError(thrown).message);
      }
    }
  }

  async end(): Promise<CopyReport> {
    for (const folder of this.#changedFolders) await syncFolderIfThere(folder);
    return { ...this.#progress(), keptCount: this.#counts.kept, gone: this.#gone, damaged: this.#damaged };
  }

  #progress(): CopyProgress {
    const { linked, copied } = this.#counts;
    return { segmentCount: this.#segmentCount, linkedCount: linked, copiedCount: copied, bytes: this.#bytes };
  }
}

/** @throws StorageError for a path that leads out: a catalogue may come from elsewhere */
function placeBelow(root: string, path: string): string {
  const place = resolve(root, path);
  if (place.startsWith(resolve(root) + sep)) return place;
  throw new StorageError("SEGMENT_UNREADABLE", `${JSON.stringify(path)} leads out of ${root}`);
}
