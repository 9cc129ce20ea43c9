import { createHash } from "node:crypto";
import { existsSync, lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { isDecodable } from "./segment-rendering.ts";
import { segmentOfSidecar } from "./sidecar-format.ts";
import { parseSidecar } from "./sidecar-parsing.ts";

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

/** Whether the `.bin` of a segment stands in a folder of a tree; a link in its place is none. */
export function hasBin(
  receivedPath: string,
  { folder, name }: { readonly folder: string; readonly name: string },
): boolean {
  const path = join(receivedPath, folder, `${name}${segmentEndings.bin}`);
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Whether a tree has any finished segment: one with a sidecar that nothing is left to be done for. */
export async function hasFinishedSegment(receivedPath: string): Promise<boolean> {
  for await (const { names } of scanFolders(receivedPath)) {
    const all = new Set(names);
    const openName = (name: string) => `${name.slice(0, -segmentEndings.json.length)}${segmentEndings.open}`;
    if (names.some((name) => isSidecarName(name) && !all.has(openName(name)))) return true;
  }
  return false;
}

function isSidecarName(name: string): boolean {
  return name.startsWith("stream_") && name.endsWith(segmentEndings.json) && !name.endsWith(segmentEndings.open);
}

/**
 * A segment by its sidecar; `undefined` when that is missing or damaged and has to be made anew.
 *
 * @throws the system's error when the sidecar is there and cannot be read now
 */
export async function readFinishedSegment(
  stem: string,
  { path: folderPath, folder }: Pick<SegmentFolder, "path" | "folder">,
): Promise<UnfinishedSegment | undefined> {
  const path = join(folderPath, `${stem}${segmentEndings.json}`);
  try {
    const sidecar = parseSidecar(await readFile(path, "utf8"), path);
    return { closed: segmentOfSidecar(sidecar, folder), isRecovered: sidecar.recovered };
  } catch (error) {
    if (isMissingOrDamaged(error)) return undefined;
    throw error;
  }
}

/** True when a sidecar that was read with this error does not say anything; false when the reading failed. */
export function isMissingOrDamaged(error: unknown): boolean {
  return ["ENOENT", "SEGMENT_UNREADABLE"].includes(systemErrorCode(error) ?? "");
}

/** A `.bin` beside which no WAV stands. */
export interface BinWithoutWav {
  readonly stem: string;
  readonly folder: Pick<SegmentFolder, "path" | "folder">;
}

/** Finished segments of a folder whose WAV is not there. */
export function listBinsWithoutWav({ path, folder, names }: SegmentFolder): BinWithoutWav[] {
  const isFinished = (stem: string) => !names.has(`${stem}${segmentEndings.open}`);
  return stemsWith(segmentEndings.bin, { path, folder, names })
    .filter((stem) => isFinished(stem) && !names.has(`${stem}${segmentEndings.wav}`))
    .map((stem) => ({ stem, folder: { path, folder } }));
}

/** The segment of such a `.bin`; `undefined` when its WAV is there by now or its samples cannot be had. [S-3.2] */
export async function readSegmentWithoutWav(
  { stem, folder }: BinWithoutWav,
  log: Log,
): Promise<UnfinishedSegment | undefined> {
  // Asked anew: the segment may have been finished since the folder was listed.
  if (existsSync(join(folder.path, `${stem}${segmentEndings.wav}`))) return undefined;
  try {
    const segment = await readFinishedSegment(stem, folder);
    if (segment !== undefined) return isDecodable(segment.closed.opening) ? segment : undefined;
  } catch (thrown) {
    log.warn({ segment: stem, error: toError(thrown).message }, "sidecar not readable: the next start derives the WAV");
    return undefined;
  }
  log.warn(
    { bin: join(folder.path, `${stem}${segmentEndings.bin}`) },
    "no readable sidecar: `eet wav` needs the format",
  );
  return undefined;
}
