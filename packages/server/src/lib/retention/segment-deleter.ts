import { join } from "node:path";
import type { Annotations, PendingDeletion } from "../catalog/annotations.ts";
import type { Clock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import { fileBytes, removeFile, syncFolderIfThere } from "../storage/durable-file-store.ts";
import { behindLink, isLinkedFolder } from "../storage/linked-folder-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";

/** Segments whose files go together: their folders are synced once for all of them. */
const batchLimit = 200;

/** Objects removed at the same time. */
const objectsAtOnce = 8;

/** Failures in a row after which the rest is left for later: a store that is down is not asked for each object. */
const patience = 3;

/** Longest time until the next look: an upload that was in flight may have held up a deletion until now. */
const lookIntervalMs = 60_000;

const retryBaseMs = 1_000;
const retryCapMs = 300_000;

/** Ending of the file with a segment's peaks, in the folder of overviews. */
export const overviewEnding = ".overview";

/** What removes objects. */
export interface ObjectRemover {
  /** Removes an object; one that is not there is fine. @throws UploadError */
  delete(key: string): Promise<void>;
  /** Key that the file of a kind gets when it is uploaded. */
  keyOf(deletion: Pick<PendingDeletion, "hwid" | "name">, kind: SegmentFileKind): string;
}

/** The operations on files, for tests that stop between them. */
export interface DeletedFiles {
  readonly removeFile: (path: string) => Promise<void>;
  /** One that is not there is fine. */
  readonly syncFolder: (path: string) => Promise<void>;
}

export interface SegmentDeleterOptions {
  readonly annotations: Pick<Annotations, "pendingDeletions" | "markDeleted">;
  /** `data/received` */
  readonly receivedPath: string;
  /** `data/overview` */
  readonly overviewPath: string;
  /** `undefined` while uploads are off: segments with objects then stay pending until they are on. */
  readonly objects: ObjectRemover | undefined;
  /** Told what overviews took that are gone; `.bin` and `.wav` are known to the catalogue. */
  readonly onOverviewsFreed?: (bytes: number) => void;
  readonly log: Log;
  readonly clock: Clock;
  /** Default: the disk. */
  readonly files?: DeletedFiles;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** A deletion that did not come to its end. */
interface Parked {
  readonly attempts: number;
  /** Monotonic; `Infinity`: not in this run. */
  readonly dueMs: number;
}

/**
 * Removes what is left of segments that were taken out of the catalogue: local files, then objects, then the note of it.
 * The sidecar goes first: from then on nobody who scans the folder takes the rest for a segment, wherever a crash comes
 * between. Whatever fails is tried again for ever, since the note of it lies in the catalogue.
 */
export class SegmentDeleter {
  readonly #options: SegmentDeleterOptions;
  readonly #files: DeletedFiles;
  readonly #parked = new Map<number, Parked>();
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SegmentDeleterOptions) {
    this.#options = options;
    this.#files = options.files ?? { removeFile, syncFolder: syncFolderIfThere };
  }

  /** Says that something may be to be removed. Cheap. */
  notify(): void {
    if (this.#isClosed) return;
    this.#isAskedAgain = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      this.#setTimer();
    });
  }

  /** Resolves when nothing is at work; what failed waits for its next try. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Starts nothing new; resolves when the batch at work is through. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.settled();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    while (this.#isAskedAgain && !this.#isClosed) {
      this.#isAskedAgain = false;
      try {
        while (!this.#isClosed && (await this.#takeBatch()));
      } catch (thrown) {
        this.#options.log.error({ error: toError(thrown).message }, "deletion failed: tried again in a minute");
      }
    }
  }

  /** @returns whether there may be more to do now */
  async #takeBatch(): Promise<boolean> {
    const { annotations, clock } = this.#options;
    // Those that wait come first, being the oldest.
    const pending = await annotations.pendingDeletions(this.#parked.size + batchLimit);
    const nowMs = clock.monotonicMs();
    const due = pending.filter(({ id }) => (this.#parked.get(id)?.dueMs ?? 0) <= nowMs);
    if (due.length === 0) return false;
    await this.#remove(due);
    return due.length >= batchLimit;
  }

  async #remove(deletions: readonly PendingDeletion[]): Promise<void> {
    const { annotations, log } = this.#options;
    const withoutFiles = await this.#removeFiles(deletions);
    const gone = await this.#removeObjects(withoutFiles);
    if (gone.length === 0) return;
    await annotations.markDeleted(gone);
    for (const id of gone) this.#parked.delete(id);
    log.info({ segments: gone.length }, "deleted: files and objects are gone");
  }

  /** @returns those whose files are gone for good */
  async #removeFiles(deletions: readonly PendingDeletion[]): Promise<readonly PendingDeletion[]> {
    const { receivedPath, overviewPath } = this.#options;
    const left = new Set(deletions);
    const remove = async (root: string, endings: readonly string[]) => {
      for (const deletion of left) {
        const base = join(root, deletion.folder, deletion.name);
        try {
          if (await isLinkedFolder(root, deletion.folder)) throw behindLink(join(root, deletion.folder));
          for (const ending of endings) await this.#files.removeFile(`${base}${ending}`);
        } catch (thrown) {
          left.delete(deletion);
          this.#postpone(deletion, toError(thrown));
        }
      }
      for (const folder of new Set(deletions.map((deletion) => deletion.folder)))
        await this.#files.syncFolder(join(root, folder));
    };
    await remove(receivedPath, [segmentEndings.json]);
    await remove(receivedPath, [segmentEndings.bin, segmentEndings.wav]);
    const overviewBytes = await this.#overviewBytes(left);
    await remove(overviewPath, [overviewEnding]);
    this.#options.onOverviewsFreed?.(overviewBytes);
    return [...left];
  }

  /** Says nothing of what cannot be looked at: its removal will tell. */
  async #overviewBytes(deletions: Iterable<PendingDeletion>): Promise<number> {
    let bytes = 0;
    for (const { folder, name } of deletions) {
      const path = join(this.#options.overviewPath, folder, `${name}${overviewEnding}`);
      bytes += await fileBytes(path).catch(() => 0);
    }
    return bytes;
  }

  /** @returns ids of those of which no object is left */
  async #removeObjects(deletions: readonly PendingDeletion[]): Promise<readonly number[]> {
    const { objects } = this.#options;
    const hasObjects = ({ keys, unverifiedKinds }: PendingDeletion) => keys.length + unverifiedKinds.length > 0;
    const gone = deletions.filter((deletion) => !hasObjects(deletion)).map(({ id }) => id);
    const rest = deletions.filter(hasObjects);
    if (objects === undefined) {
      this.#keepUntilUploads(rest);
      return gone;
    }
    let failuresInARow = 0;
    const queue = rest.values();
    const carry = async () => {
      for (const deletion of queue) {
        try {
          if (failuresInARow >= patience) throw new Error("the object store fails");
          const unverified = deletion.unverifiedKinds.map((kind) => objects.keyOf(deletion, kind));
          for (const key of [...deletion.keys, ...unverified]) await objects.delete(key);
          gone.push(deletion.id);
          failuresInARow = 0;
        } catch (thrown) {
          failuresInARow += 1;
          this.#postpone(deletion, toError(thrown));
        }
      }
    };
    await Promise.all(Array.from({ length: objectsAtOnce }, carry));
    return gone;
  }

  #keepUntilUploads(deletions: readonly PendingDeletion[]): void {
    if (deletions.length === 0) return;
    for (const { id } of deletions) this.#parked.set(id, { attempts: 0, dueMs: Infinity });
    this.#options.log.warn(
      { segments: deletions.length },
      "uploads are off: objects of deleted segments stay in the store until they are on again",
    );
  }

  #postpone(deletion: PendingDeletion, error: Error): void {
    const { attempts } = this.#parked.get(deletion.id) ?? { attempts: 0 };
    this.#park(deletion.id, attempts);
    const level = attempts === 0 ? "warn" : "debug";
    this.#options.log[level]({ segment: deletion.name, error: error.message }, "not deleted yet: tried again");
  }

  #park(id: number, attempts = this.#parked.get(id)?.attempts ?? 0): void {
    const { clock, random = Math.random } = this.#options;
    const waitMs = Math.min(retryCapMs, retryBaseMs * 2 ** Math.min(attempts, 20)) * (0.5 + random() / 2);
    this.#parked.set(id, { attempts: attempts + 1, dueMs: clock.monotonicMs() + waitMs });
  }

  #setTimer(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    let waitMs = lookIntervalMs;
    for (const { dueMs } of this.#parked.values())
      waitMs = Math.min(waitMs, Math.max(0, dueMs - this.#options.clock.monotonicMs()));
    this.#timer = setTimeout(() => this.notify(), waitMs);
  }
}
