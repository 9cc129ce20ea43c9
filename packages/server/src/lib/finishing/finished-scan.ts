import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { type FolderListing, scanFolders } from "../storage/segment-scan-store.ts";
import { isDecodable } from "./segment-rendering.ts";
import { parseSidecar, segmentOfSidecar } from "./sidecar-format.ts";

/** A segment to be finished, for the first time or again. */
export interface UnfinishedSegment {
  readonly closed: ClosedSegment;
  /** Whether its sidecar has to say that a crash came between. */
  readonly isRecovered: boolean;
}

/** Every finished segment of a tree, as its sidecars tell; what is not readable is logged and passed over. */
export async function* scanFinishedSegments(receivedPath: string, log: Log): AsyncGenerator<FinishedSegment> {
  for await (const listing of scanFolders(receivedPath)) {
    for (const name of listing.names.filter(isSidecarName)) {
      const path = join(listing.path, name);
      try {
        const text = await readFile(path);
        yield {
          sidecar: parseSidecar(text.toString("utf8"), path),
          folder: listing.folder,
          sidecarBytes: text.byteLength,
          sidecarSha256: createHash("sha256").update(text).digest("hex"),
        };
      } catch (thrown) {
        log.warn({ path, error: toError(thrown).message }, "sidecar not readable: segment left out");
      }
    }
  }
}

function isSidecarName(name: string): boolean {
  return name.startsWith("stream_") && name.endsWith(segmentEndings.json) && !name.endsWith(segmentEndings.open);
}

/** A segment by its sidecar; `undefined` when that is missing or not readable and has to be made anew. */
export async function readFinishedSegment(
  stem: string,
  listing: FolderListing,
): Promise<UnfinishedSegment | undefined> {
  const jsonName = `${stem}${segmentEndings.json}`;
  if (!listing.names.includes(jsonName)) return undefined;
  const path = join(listing.path, jsonName);
  try {
    const sidecar = parseSidecar(await readFile(path, "utf8"), path);
    return { closed: segmentOfSidecar(sidecar, listing.folder), isRecovered: sidecar.recovered };
  } catch {
    return undefined;
  }
}

/** Finished segments whose samples can be had and whose WAV is not there. [S-3.2] */
export async function findSegmentsWithoutWav(listing: FolderListing, log: Log): Promise<UnfinishedSegment[]> {
  const found: UnfinishedSegment[] = [];
  const names = new Set(listing.names);
  for (const name of listing.names.filter((entry) => entry.endsWith(segmentEndings.bin))) {
    const stem = name.slice(0, -segmentEndings.bin.length);
    // Asked anew: the segment may have been finished since the folder was listed.
    const hasWav = existsSync(join(listing.path, `${stem}${segmentEndings.wav}`));
    if (hasWav || names.has(`${stem}${segmentEndings.open}`)) continue;
    const segment = await readFinishedSegment(stem, listing);
    if (segment === undefined)
      log.warn({ bin: join(listing.path, name) }, "no readable sidecar: `eet wav` needs the format");
    else if (isDecodable(segment.closed.opening)) found.push(segment);
  }
  return found;
}
