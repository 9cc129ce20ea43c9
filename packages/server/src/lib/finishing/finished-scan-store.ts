import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { isDecodable } from "./segment-rendering.ts";
import { parseSidecar, segmentOfSidecar } from "./sidecar-format.ts";

/** A segment to be finished, for the first time or again. */
export interface UnfinishedSegment {
  readonly closed: ClosedSegment;
  /** Whether its sidecar has to say that a crash came between. */
  readonly isRecovered: boolean;
}

/** A folder of segments whose file names can be asked for. */
export interface SegmentFolder {
  /** Absolute. */
  readonly path: string;
  /** Relative to `data/received`, `/`-separated. */
  readonly folder: string;
  /** In order. */
  readonly names: ReadonlySet<string>;
}

/** Names without ending of the files of a folder that have a given one. */
export function stemsWith(ending: string, { names }: SegmentFolder): string[] {
  return [...names].filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
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
export async function readFinishedSegment(stem: string, folder: SegmentFolder): Promise<UnfinishedSegment | undefined> {
  const name = `${stem}${segmentEndings.json}`;
  if (!folder.names.has(name)) return undefined;
  const path = join(folder.path, name);
  try {
    const sidecar = parseSidecar(await readFile(path, "utf8"), path);
    return { closed: segmentOfSidecar(sidecar, folder.folder), isRecovered: sidecar.recovered };
  } catch {
    return undefined;
  }
}

/** Finished segments whose samples can be had and whose WAV is not there. [S-3.2] */
export async function findSegmentsWithoutWav(folder: SegmentFolder, log: Log): Promise<UnfinishedSegment[]> {
  const found: UnfinishedSegment[] = [];
  for (const stem of stemsWith(segmentEndings.bin, folder)) {
    const wavName = `${stem}${segmentEndings.wav}`;
    if (folder.names.has(wavName) || folder.names.has(`${stem}${segmentEndings.open}`)) continue;
    // Asked anew: the segment may have been finished since the folder was listed.
    if (existsSync(join(folder.path, wavName))) continue;
    const segment = await readFinishedSegment(stem, folder);
    if (segment === undefined)
      log.warn(
        { bin: join(folder.path, `${stem}${segmentEndings.bin}`) },
        "no readable sidecar: `eet wav` needs the format",
      );
    else if (isDecodable(segment.closed.opening)) found.push(segment);
  }
  return found;
}
