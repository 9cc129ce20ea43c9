import { type Clock, systemClock } from "../kernel/clock.ts";
import { StorageError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { type Log, silentLog } from "../kernel/log.ts";
import type { CatalogCounts } from "./catalog.ts";
import { withCatalogErrors } from "./catalog-error.ts";
import {
  type CatalogFile,
  closeCatalogFile,
  hasCatalogFile,
  moveCatalogFile,
  openCatalogFile,
  removeCatalogFile,
} from "./catalog-file-store.ts";
import { countRows } from "./count-rows.ts";
import { EventStore } from "./event-store.ts";
import { keepOldState, OldSegments, prepareForSegments } from "./old-catalog-store.ts";
import { SegmentCopies, type SegmentCopiesOptions } from "./segment-copies.ts";
import { SegmentStore } from "./segment-store.ts";

/** Segments that share one transaction. */
const sliceSegmentCount = 500;

/** Options of {@link reindexCatalog}. */
export interface ReindexOptions {
  /** Called after each transaction with the number of sidecars taken up so far. */
  readonly onProgress?: (sidecarCount: number) => void;
  /** Default: none. */
  readonly log?: Log;
  /**
   * Names the file of a damaged catalogue, and tells when a session was last active of which neither sidecars nor the
   * old catalogue do; default: the machine's clock.
   */
  readonly clock?: Clock;
  /** Asked where a segment stands in several folders; default: everywhere. */
  readonly hasBin?: SegmentCopiesOptions["hasBin"];
}

/** What a rebuilt catalogue holds. */
export interface ReindexCounts extends CatalogCounts {
  /** Segments found once more in another folder: left out, each with a line in the log. */
  readonly copies: number;
}

/**
 * Builds the catalogue anew from the sidecars [S-1.2], in `{path}.new` that replaces the old one at the end; until then
 * the old one stays in use. States of uploads are kept where a file's name and SHA-256 are the same, so nothing is
 * uploaded twice, and segments keep their ids. The log of events goes on, its deliveries too: only segments that the old
 * catalogue did not know bring events, and not those either when it was made where an older one was lost. Without an old catalogue, or with a damaged one, nobody can tell what was told before: the log begins anew and
 * empty, with ids beyond those that were given. A damaged one is kept aside as `{path}.corrupt-{time}`. No other process
 * may have the catalogue open: take the data folder's lock before.
 *
 * @throws StorageError when the disk fails; whatever `sidecars` throws. The old catalogue is then still there.
 */
export async function reindexCatalog(
  path: string,
  sidecars: AsyncIterable<FinishedSegment>,
  { onProgress = () => {}, log = silentLog, clock = systemClock, hasBin = () => true }: ReindexOptions = {},
): Promise<ReindexCounts> {
  const newPath = `${path}.new`;
  await removeCatalogFile(newPath);
  const file = await openCatalogFile(newPath);
  try {
    const nowMs = () => clock.wallMs();
    // Its ids begin at the clock, beyond those of a catalogue that is lost.
    const events = new EventStore({ file, nowMs, log, write: async (write) => write() });
    const isThere = hasCatalogFile(path);
    let damage = isThere ? await damageOf(() => prepareForSegments(file, path)) : undefined;
    const hasOldIds = isThere && damage === undefined;
    // Nobody knows which ids were given: those that begin at the clock were not.
    if (!hasOldIds) file.sqlite.prepare("UPDATE segment_ids SET last_id = ?").run(clock.wallMs());
    const old = hasOldIds ? new OldSegments(file, path) : undefined;
    const copies = new SegmentCopies(file.sqlite, { hasBin, log });
    try {
      await addSegments({ file, sidecars, old, copies, nowMs: clock.wallMs(), onProgress });
    } finally {
      old?.close();
    }
    if (isThere) damage ??= await damageOf(() => keepOldState(file, path, events));
    const counts = { ...countRows(file.sqlite), copies: copies.leftOutCount };
    closeCatalogFile(file);
    if (damage !== undefined) {
      const asidePath = `${path}.corrupt-${new Date(clock.wallMs()).toISOString().replaceAll(/[-:]/g, "")}`;
      await moveCatalogFile(path, asidePath);
      log.warn(
        { err: damage, asidePath },
        "old catalogue is damaged: kept aside, its upload states, events and pins are lost",
      );
    }
    await moveCatalogFile(newPath, path);
    return counts;
  } catch (error) {
    file.sqlite.close();
    await removeCatalogFile(newPath);
    throw error;
  }
}

interface SegmentSource {
  readonly file: CatalogFile;
  readonly sidecars: AsyncIterable<FinishedSegment>;
  readonly old: OldSegments | undefined;
  readonly copies: SegmentCopies;
  readonly nowMs: number;
  readonly onProgress: (sidecarCount: number) => void;
}

async function addSegments({ file, sidecars, old, copies, nowMs, onProgress }: SegmentSource): Promise<void> {
  const { path, sqlite } = file;
  const store = new SegmentStore(sqlite);
  // Whether to queue uploads is the server's to know: it queues what is missing when it starts.
  const noUploads = { kinds: [], isBackfill: true, queuedMs: nowMs };
  const addAll = sqlite.transaction((segments: readonly FinishedSegment[]) => {
    for (const segment of segments) {
      const { session, index } = segment.sidecar;
      const former = old?.find(session, index);
      if (copies.admits(segment, former?.folder)) store.addSegment(segment, noUploads, former?.id);
    }
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
