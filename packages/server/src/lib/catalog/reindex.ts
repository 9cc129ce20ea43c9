import { type Clock, systemClock } from "../kernel/clock.ts";
import { StorageError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { type Log, silentLog } from "../kernel/log.ts";
import type { CatalogCounts } from "./catalog.ts";
import { withCatalogErrors } from "./catalog-error.ts";
import {
  type CatalogFile,
  closeCatalogFile,
  moveCatalogFile,
  openCatalogFile,
  removeCatalogFile,
} from "./catalog-file-store.ts";
import { countRows } from "./count-rows.ts";
import { keepUploadStates } from "./old-catalog-store.ts";
import { SegmentStore } from "./segment-store.ts";

/** Segments that share one transaction. */
const sliceSegmentCount = 500;

/** Whether to queue uploads is the server's to know: it queues what is missing when it starts. */
const noUploads = { kinds: [], isBackfill: true, queuedMs: 0 };

/** Options of {@link reindexCatalog}. */
export interface ReindexOptions {
  /** Called after each transaction with the number of sidecars taken up so far. */
  readonly onProgress?: (sidecarCount: number) => void;
  /** Default: none. */
  readonly log?: Log;
  /** Names the file of a damaged catalogue; default: the machine's clock. */
  readonly clock?: Clock;
}

/**
 * Builds the catalogue anew from the sidecars [S-1.2], in `{path}.new` that replaces the old one at the end; until then
 * the old one stays in use. States of uploads are kept where a file's name and SHA-256 are the same, so nothing is
 * uploaded twice. An old catalogue that is damaged is kept aside as `{path}.corrupt-{time}`. No other process may have
 * the catalogue open: take the data folder's lock before.
 *
 * @throws StorageError when the disk fails; whatever `sidecars` throws. The old catalogue is then still there.
 */
export async function reindexCatalog(
  path: string,
  sidecars: AsyncIterable<FinishedSegment>,
  { onProgress = () => {}, log = silentLog, clock = systemClock }: ReindexOptions = {},
): Promise<CatalogCounts> {
  const newPath = `${path}.new`;
  await removeCatalogFile(newPath);
  const file = await openCatalogFile(newPath);
  try {
    await addSegments(file, sidecars, onProgress);
    const damage = await damageOf(() => keepUploadStates(file, path));
    const counts = await countRows(file.kysely);
    closeCatalogFile(file);
    if (damage !== undefined) {
      const asidePath = `${path}.corrupt-${new Date(clock.wallMs()).toISOString().replaceAll(/[-:]/g, "")}`;
      await moveCatalogFile(path, asidePath);
      log.warn({ err: damage, asidePath }, "old catalogue is damaged: kept aside, its upload states are lost");
    }
    await moveCatalogFile(newPath, path);
    return counts;
  } catch (error) {
    file.sqlite.close();
    await removeCatalogFile(newPath);
    throw error;
  }
}

async function addSegments(
  { path, sqlite }: CatalogFile,
  sidecars: AsyncIterable<FinishedSegment>,
  onProgress: (sidecarCount: number) => void,
): Promise<void> {
  const store = new SegmentStore(sqlite);
  const addAll = sqlite.transaction((segments: readonly FinishedSegment[]) => {
    for (const segment of segments) store.addSegment(segment, noUploads);
  });
  let slice: FinishedSegment[] = [];
  let sidecarCount = 0;
  const commit = () => {
    withCatalogErrors(path, () => addAll(slice));
    sidecarCount += slice.length;
    slice = [];
    onProgress(sidecarCount);
  };
  for await (const segment of sidecars) {
    slice.push(segment);
    if (slice.length === sliceSegmentCount) commit();
  }
  commit();
}

/** The error that tells that the old catalogue is damaged; errors of the disk are thrown. */
async function damageOf(readOld: () => Promise<void>): Promise<StorageError | undefined> {
  try {
    await readOld();
    return undefined;
  } catch (error) {
    // INTERNAL: SQLite reads it, but tables or values are not ours.
    if (error instanceof StorageError && (error.code === "CATALOG_UNREADABLE" || error.code === "INTERNAL"))
      return error;
    throw error;
  }
}
