import { join } from "node:path";
import type { Catalog, EvictableSegment } from "./catalog/catalog.ts";
import type { Clock } from "./kernel/clock.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import { removeFile, syncFolder } from "./storage/durable-file-store.ts";
import { segmentEndings } from "./storage/segment-path.ts";

/** What 1 000 devices record between two looks at the disk, in segments of 10 s. */
const defaultBatchLimit = 500;

export interface LocalEvictionOptions {
  readonly catalog: Pick<Catalog, "evictableSegments" | "markEvicted">;
  /** `data/received` */
  readonly receivedPath: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Segments a batch. Default 500. */
  readonly batchLimit?: number;
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
  #isClosed = false;

  constructor(options: LocalEvictionOptions) {
    this.#options = options;
    this.#batchLimit = options.batchLimit ?? defaultBatchLimit;
  }

  /** Evicts one batch: for a disk that is low, to be asked again while it is. Never rejects. */
  makeRoom(): Promise<void> {
    return this.#schedule();
  }

  /** Evicts all that may go. Never rejects. */
  evictAll(): Promise<void> {
    this.#nextIsAll = true;
    return this.#schedule();
  }

  /** Starts nothing new; resolves when the batch at work is through. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#running;
  }

  #schedule(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      const isAll = this.#nextIsAll;
      this.#next = undefined;
      this.#nextIsAll = false;
      return this.#run(isAll);
    });
    this.#running = this.#next;
    return this.#next;
  }

  async #run(isAll: boolean): Promise<void> {
    const { catalog, log } = this.#options;
    let segmentCount = 0;
    let bytes = 0;
    try {
      let isMoreLeft = true;
      while (isMoreLeft && !this.#isClosed) {
        const evicted = await this.#evict(await catalog.evictableSegments(this.#batchLimit));
        segmentCount += evicted.length;
        bytes += evicted.reduce((sum, segment) => sum + segment.bytes, 0);
        // Segments that cannot be deleted come up again: only a batch that went as a whole shows that there are others.
        isMoreLeft = isAll && evicted.length === this.#batchLimit;
      }
    } catch (thrown) {
      log.error({ error: toError(thrown).message }, "eviction failed: local files stay until the next try");
    }
    if (segmentCount > 0) log.info({ segments: segmentCount, bytes }, "evicted: only in the object store now");
  }

  /**
   * Deletes and then notes. Until it is noted a segment comes up again, finds its files gone and is noted then, so a
   * crash in between leaves nothing behind; noted first, files would stay for ever that nobody looks for. The `.wav`
   * goes before the `.bin`: a segment that a crash left with its `.bin` alone gets its `.wav` back at the next start
   * [S-3.2], one with a `.wav` alone would look damaged.
   */
  async #evict(segments: readonly EvictableSegment[]): Promise<readonly EvictableSegment[]> {
    const { catalog, receivedPath, log, clock } = this.#options;
    const evicted: EvictableSegment[] = [];
    for (const segment of segments) {
      const basePath = join(receivedPath, segment.folder, segment.name);
      try {
        await removeFile(`${basePath}${segmentEndings.wav}`);
        await removeFile(`${basePath}${segmentEndings.bin}`);
        evicted.push(segment);
      } catch (thrown) {
        log.warn({ segment: segment.name, error: toError(thrown).message }, "local files cannot be deleted");
      }
    }
    for (const folder of new Set(evicted.map((segment) => segment.folder)))
      await syncFolder(join(receivedPath, folder));
    if (evicted.length > 0)
      await catalog.markEvicted(
        evicted.map(({ id }) => id),
        clock.wallMs(),
      );
    return evicted;
  }
}
