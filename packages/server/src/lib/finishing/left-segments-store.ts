import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAdpcmHeader } from "@eet/audio";
import { frameRules, serialDistance } from "@eet/protocol";
import { systemErrorCode } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import { removeFile } from "../storage/durable-file-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { BinReader } from "./bin-reader-store.ts";
import { type SegmentFolder, stemsWith } from "./finished-scan-store.ts";
import { parseOpening } from "./opening-format.ts";

/**
 * Openings of the segments in a folder that another run has left, in the order of their sessions.
 *
 * @param runId - this run: it may open and finish segments of its own meanwhile
 */
export async function readLeftOpenings(folder: SegmentFolder, runId: string, log: Log): Promise<SegmentOpening[]> {
  const openings: SegmentOpening[] = [];
  for (const stem of stemsWith(segmentEndings.open, folder)) {
    const path = join(folder.path, `${stem}${segmentEndings.open}`);
    const file = await readIfThere(path);
    if (file === undefined) continue;
    const opening = parseOpening(file.text);
    if (opening?.runId === runId) continue;
    const hasFrames = [segmentEndings.binPart, segmentEndings.bin].some((end) => folder.names.has(`${stem}${end}`));
    if (hasFrames && opening !== undefined) openings.push({ ...opening, folder: folder.folder });
    else if (hasFrames)
      log.warn({ path }, "this .open.json is not readable: `eet wav` reads its .bin.part with the format given");
    // It is written before its frames' file is made: without frames it stands for nothing, unless this run is just
    // writing it.
    else if (opening !== undefined || file.modifiedMs < performance.timeOrigin) await removeFile(path);
  }
  // What one segment tells about the nibble order holds for the next.
  return openings.sort((a, b) => a.index - b.index);
}

/** @returns `undefined` when the file has gone since the folder was listed: this run has finished its segment */
async function readIfThere(path: string): Promise<{ readonly text: string; readonly modifiedMs: number } | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { text: await readFile(path, "utf8"), modifiedMs: mtimeMs };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Names of the files with the frames of a folder's segments, by `{session}-{index}`. */
export function listBinNames(folder: SegmentFolder): ReadonlyMap<string, string> {
  const names = [segmentEndings.bin, segmentEndings.binPart].flatMap((ending) =>
    stemsWith(ending, folder).map((stem) => [stem.slice(stem.lastIndexOf("_") + 1), `${stem}${ending}`] as const),
  );
  return new Map(names);
}

/** Decoder state in front of a file's first frame, by which the last odd frame of the segment before ends. [P-1.6] */
export function readStartState({ session, start }: SegmentOpening, binPath: string): ClosedSegment["nextFrame"] {
  const reader = BinReader.open(binPath, frameRules(session.format, session.profile.adpcmLayout));
  try {
    const first = reader.next();
    if (first === undefined) return null;
    return { seq: start.seq + serialDistance(start.seq, first.seq), ...parseAdpcmHeader(first.payload) };
  } finally {
    reader.close();
  }
}

/** Parts whose segment is finished or gone: what they were to become is derived again where it is missing. [S-3.2] */
export async function removeOrphanedParts(folder: SegmentFolder, log: Log): Promise<void> {
  const isOrphan = (stem: string) => !folder.names.has(`${stem}${segmentEndings.open}`);
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart]) {
    for (const stem of stemsWith(ending, folder).filter(isOrphan))
      await removeFile(join(folder.path, `${stem}${ending}`));
  }
  for (const stem of stemsWith(segmentEndings.binPart, folder).filter(isOrphan)) {
    const path = join(folder.path, `${stem}${segmentEndings.binPart}`);
    if (existsSync(path)) log.warn({ path }, "frames without .open.json: `eet wav` reads them with the format given");
  }
}
