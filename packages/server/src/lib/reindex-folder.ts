import { join, resolve } from "node:path";
import { type ReindexCounts, reindexCatalog } from "./catalog/reindex.ts";
import { hasBin, scanFinishedSegments } from "./finishing/finished-scan-store.ts";
import type { Log } from "./kernel/log.ts";
import { openDataLock } from "./storage/data-lock-store.ts";

/** What a rebuilt catalogue holds. */
export type ReindexSummary = ReindexCounts;

/**
 * Rebuilds the catalogue of a data folder from its sidecars. Recordings are only read. [S-1.2]
 *
 * @param onProgress - told the number of segments so far
 * @throws StorageError `STORAGE_LOCKED` while a server runs on the folder
 */
export async function reindexFolder(
  dataFolder: string,
  log: Log,
  onProgress: (segmentCount: number) => void,
): Promise<ReindexSummary> {
  const dataPath = resolve(dataFolder);
  const lock = openDataLock(dataPath);
  try {
    const receivedPath = join(dataPath, "received");
    const segments = scanFinishedSegments(receivedPath, log);
    return await reindexCatalog(join(dataPath, "catalog.db"), segments, {
      onProgress,
      log,
      hasBin: (place) => hasBin(receivedPath, place),
    });
  } finally {
    lock.close();
  }
}
