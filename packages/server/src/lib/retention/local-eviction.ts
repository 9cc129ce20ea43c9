import { join } from "node:path";
import type { EvictableFilter, EvictableSegment, LocalFiles } from "../catalog/retention-queue.ts";
import type { Clock } from "../kernel/clock.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { removeFile, syncFolderIfThere } from "../storage/durable-file-store.ts";
import { behindLink, isLinkedFolder } from "../storage/linked-folder-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";

/** What could not go is tried again after this, and passed over until then. */
const retryMs = 60_000;

/** What 1 000 devices record between two looks at the disk, in segments of 10 s. */
const defaultBatchLimit = 500;

export interface LocalEvictionOptions {
  readonly catalog: Pick<LocalFiles, "evictableSegments" | "markEvicted">;
  /** `data/received` */
  readonly receivedPath: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Segments a batch. Default 500. */
  readonly batchLimit?: number;
}

interface Evicted {
  readonly segments: number;
  /** `.bin` and `.wav`. */
  readonly bytes: number;
}

interface Walk extends Evicted {
  /** Something that may go in time did not. */
  readonly isLeft: boolean;
}

/**
 * Deletes the local `.bin` and `.wav` of segments that stand verified in the object store, oldest first; the sidecar
 * stays, the catalogue is rebuilt from it. What is not stored elsewhere is never touched. [S-2.5] [S-4.4]
 */
export class LocalEviction {
  readonly #options: LocalEvictionOptions;
  readonly #batchLimit: number;
  #running: Promise<void> = Promise.resolve();
  /** The run that waits for the one before it; whoever asks meanwhile is served by it. */
  #next: Promise<void> | undefined;
  #nextIsAll = false;
  #nextIsLow = false;
  /** Up to here nothing could go when last tried. */
  #passed: { readonly place: NonNullable<EvictableFilter["after"]>; readonly untilMs: number } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LocalEvictionOptions) {
    this.#options = options;
    this.#batchLimit = options.batchLimit ?? defaultBatchLimit;
  }

  /**
   * Evicts one batch: for a disk that is low, to be asked again while it is. Where nothing else can go, files go that a
   * command still waits for: the object store has them, and what a full disk cannot take nobody has. Never rejects.
   */
  makeRoom(): Promise<void> {
    this.#nextIsLow = true;
    return this.#schedule();
  }

  /** Evicts all that may go, but for what a command still waits for. Never rejects. */
  evictAll(): Promise<void> {
    this.#nextIsAll = true;
    return this.#schedule();
  }

  /** Starts nothing new; resolves when the batch at work is through. */
  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    return this.#running;
  }

  #schedule(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      const [isAll, isLow] = [this.#nextIsAll, this.#nextIsLow];
      this.#next = undefined;
      this.#nextIsAll = false;
      this.#nextIsLow = false;
      return this.#run(isAll, isLow);
    });
    this.#running = this.#next;
    return this.#next;
  }

  async #run(isAll: boolean, isLow: boolean): Promise<void> {
    const { log } = this.#options;
    let evicted: Evicted = { segments: 0, bytes: 0 };
    try {
      const { isLeft, ...gone } = await this.#walk({ limit: isAll ? Infinity : this.#batchLimit, takesAwaited: false });
      evicted = gone;
      if (isAll && isLeft) this.#retryLater();
      if (isLow && evicted.segments === 0) evicted = await this.#walk({ limit: this.#batchLimit, takesAwaited: true });
    } catch (thrown) {
      log.error({ error: toError(thrown).message }, "eviction failed: local files stay until the next try");
    }
    if (evicted.segments > 0)
      log.info({ segments: evicted.segments, bytes: evicted.bytes }, "evicted: only in the object store now");
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (!this.#isClosed) this.#retry = setTimeout(() => void this.evictAll(), retryMs).unref();
  }

  /** Page by page, past those that cannot go, until `limit` segments went. */
  async #walk({ limit, takesAwaited }: { readonly limit: number; readonly takesAwaited: boolean }): Promise<Walk> {
    const { catalog, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const passed = this.#passed !== undefined && nowMs < this.#passed.untilMs ? this.#passed : undefined;
    let after = takesAwaited ? undefined : passed?.place;
    let [segments, bytes, isLeft] = [0, 0, after !== undefined];
    while (segments < limit && !this.#isClosed) {
      const page = await catalog.evictableSegments({ limit: this.#batchLimit, ...(after && { after }) });
      const evicted = await this.evict(page.filter(({ isAwaited }) => takesAwaited || !isAwaited));
      segments += evicted.length;
      bytes += evicted.reduce((sum, segment) => sum + segment.bytes, 0);
      isLeft ||= evicted.length < page.length;
      after = page.at(-1);
      if (after === undefined || page.length < this.#batchLimit) break;
      // Each upload that comes to its end asks anew: it must not look through all that waits each time.
      if (segments === 0 && !takesAwaited) this.#passed = { place: after, untilMs: passed?.untilMs ?? nowMs + retryMs };
    }
    return { segments, bytes, isLeft };
  }

  /**
   * Evicts these, which must stand verified in the object store. Deletes and then notes. Until it is noted a segment comes
   * up again, finds its files gone and is noted then, so a crash in between leaves nothing behind; noted first, files would stay for ever that nobody looks for. The `.wav`
   * goes before the `.bin`: a segment that a crash left with its `.bin` alone gets its `.wav` back at the next start
   * [S-3.2], one with a `.wav` alone would look damaged.
   *
   * @returns those that went; one that cannot be deleted is logged and left out
   */
  async evict(segments: readonly EvictableSegment[]): Promise<readonly EvictableSegment[]> {
    const { catalog, receivedPath, log, clock } = this.#options;
    const evicted: EvictableSegment[] = [];
    const failed: { readonly segment: string; readonly error: string }[] = [];
    for (const segment of segments) {
      const basePath = join(receivedPath, segment.folder, segment.name);
      try {
        if (await isLinkedFolder(receivedPath, segment.folder)) throw behindLink(join(receivedPath, segment.folder));
        await removeFile(`${basePath}${segmentEndings.wav}`);
        await removeFile(`${basePath}${segmentEndings.bin}`);
        evicted.push(segment);
      } catch (thrown) {
        failed.push({ segment: segment.name, error: toError(thrown).message });
      }
    }
    if (failed.length > 0) log.warn({ segments: failed.length, ...failed[0] }, "local files cannot be deleted");
    for (const folder of new Set(evicted.map((segment) => segment.folder)))
      await syncFolderIfThere(join(receivedPath, folder));
    if (evicted.length > 0)
      await catalog.markEvicted(
        evicted.map(({ id }) => id),
        clock.wallMs(),
      );
    return evicted;
  }
}
