import { join } from "node:path";
import type { LocalFiles, OverviewPlace } from "../catalog/retention-queue.ts";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { fileBytes, removeFile } from "../storage/durable-file-store.ts";
import { behindLink, isLinkedFolder } from "../storage/linked-folder-store.ts";
import { overviewEnding } from "./segment-deleter.ts";

/** More than 1 000 devices close between two looks at the disk, in segments of 10 s. */
const defaultBatchLimit = 2_000;

export interface OverviewEvictionOptions {
  readonly catalog: Pick<LocalFiles, "evictedOverviews" | "markOverviews">;
  /** `data/overview` */
  readonly overviewPath: string;
  /** Told how much room that made. */
  readonly onFreed: (bytes: number) => void;
  readonly log: Log;
  /** Segments a batch. Default 2 000. */
  readonly batchLimit?: number;
}

/**
 * Deletes overviews of segments that were evicted, oldest first: they are made again from the object store when somebody
 * looks. Else they alone would fill the disk in time. [S-2.5]
 */
export class OverviewEviction {
  readonly #options: OverviewEvictionOptions;
  #running: Promise<void> | undefined;

  constructor(options: OverviewEvictionOptions) {
    this.#options = options;
  }

  /** Deletes one batch: for a disk that is low, to be asked again while it is. Never rejects. */
  makeRoom(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when the batch at work is through. */
  async close(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { catalog, onFreed, log, batchLimit = defaultBatchLimit } = this.#options;
    try {
      const places = await catalog.evictedOverviews(batchLimit);
      let bytes = 0;
      for (const place of places) bytes += await this.#remove(place);
      onFreed(bytes);
      if (places.length > 0)
        await catalog.markOverviews(
          places.map(({ id }) => id),
          false,
        );
      if (bytes > 0) log.info({ segments: places.length, bytes }, "overviews of evicted segments deleted");
    } catch (thrown) {
      log.error({ error: toError(thrown).message }, "overviews of evicted segments stay until the next try");
    }
  }

  /** One that cannot be deleted is logged and given up. @returns its bytes */
  async #remove({ folder, name }: OverviewPlace): Promise<number> {
    const { overviewPath, log } = this.#options;
    const path = join(overviewPath, folder, `${name}${overviewEnding}`);
    try {
      if (await isLinkedFolder(overviewPath, folder)) throw behindLink(join(overviewPath, folder));
      const bytes = await fileBytes(path);
      await removeFile(path);
      return bytes;
    } catch (thrown) {
      log.warn({ segment: name, error: toError(thrown).message }, "an overview cannot be deleted");
      return 0;
    }
  }
}
