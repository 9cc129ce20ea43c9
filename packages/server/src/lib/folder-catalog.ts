import { join } from "node:path";
import type { Catalog } from "./catalog/catalog.ts";
import { openCatalog } from "./catalog/sqlite-catalog.ts";
import { hasFinishedSegment } from "./finishing/finished-scan-store.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";

/**
 * Opens the catalogue of a data folder that this process holds; one that is new beside recordings says so.
 *
 * @throws StorageError `CATALOG_UNREADABLE`; the system's error when the folder cannot be read
 */
export function openFolderCatalog(
  dataPath: string,
  parts: { readonly log: Log; readonly clock: Clock },
): Promise<Catalog> {
  const hasRecordings = () => hasFinishedSegment(join(dataPath, "received"));
  return openCatalog({ path: join(dataPath, "catalog.db"), ...parts, hasRecordings });
}
