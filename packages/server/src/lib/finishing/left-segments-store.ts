import { existsSync, readFile } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
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
import type { RecoveryOptions } from "./recovery-store.ts";

/** Without a `FileHandle`, which costs several times as much. */
const readText = promisify(readFile);

/** What another run has left open in a folder. */
export interface LeftOpenings {
  /** In the order of their sessions. */
  readonly openings: readonly SegmentOpening[];
  /** Sessions of segments with frames whose opening cannot be read. */
  readonly unreadableSessions: readonly string[];
}

/**
 * Reads the openings of the segments in a folder that another run has left.
 *
 * @param others - what is none of this: it may be opened and finished meanwhile
 */
export async function readLeftOpenings(
  folder: SegmentFolder,
  { isLeftAlone, isOnItsWay }: Pick<RecoveryOptions, "isLeftAlone" | "isOnItsWay">,
  log: Log,
): Promise<LeftOpenings> {
  const openings: SegmentOpening[] = [];
  const unreadableSessions: string[] = [];
  for (const stem of stemsWith(segmentEndings.open, folder)) {
    const path = join(folder.path, `${stem}${segmentEndings.open}`);
    // Asked before it is read: once it is finished it is there no more.
    if (isOnItsWay?.(stem) === true) continue;
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const opening = parseOpeningOf(stem, text);
    if (opening !== undefined && isLeftAlone(opening.runId)) continue;
    const hasFrames = [segmentEndings.binPart, segmentEndings.bin].some((end) => folder.names.has(`${stem}${end}`));
    if (hasFrames && opening !== undefined) openings.push({ ...opening, folder: folder.folder });
    else if (hasFrames) {
      unreadableSessions.push(parseStem(stem).session);
      log.warn({ path }, "this .open.json is not readable: `eet wav` reads its .bin.part with the format given");
    }
    // It is written before its frames' file is made: without frames it stands for nothing, unless this run is just
    // writing it.
    else if (opening !== undefined || (await isOlderThanRun(path))) await removeFile(path);
  }
  // What one segment tells about the nibble order holds for the next.
  return { openings: openings.sort((a, b) => a.index - b.index), unreadableSessions };
}

/** Only of the segment beside which it stands: its name becomes that of files. */
function parseOpeningOf(stem: string, text: string): SegmentOpening | undefined {
  const opening = parseOpening(text);
  return opening?.name === stem ? opening : undefined;
}

/**
 * Whether another run's opening still stands at a path. A session that goes on gives the name of a segment in which no
 * frame was found to its next one, so it may be this run's by now.
 */
export async function isStillLeft(path: string, isLeftAlone: (runId: string) => boolean): Promise<boolean> {
  const text = await readIfThere(path);
  if (text === undefined) return false;
  const opening = parseOpening(text);
  return opening === undefined || !isLeftAlone(opening.runId);
}

/** What a segment's name ends with: `{session}-{index}`. [S-1.1] */
function parseStem(stem: string): { readonly session: string; readonly index: number } {
  const [session = "", index = ""] = stem.slice(stem.lastIndexOf("_") + 1).split("-");
  return { session, index: Number(index) };
}

/** @returns `undefined` when the file has gone since the folder was listed: this run has finished its segment */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readText(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function isOlderThanRun(path: string): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < performance.timeOrigin;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Paths of the files with the frames of some sessions, by session and index: in whatever folders they stand. */
export class BinPaths {
  readonly #paths: ReadonlyMap<string, Map<number, string>>;

  constructor(sessions: Iterable<string>) {
    this.#paths = new Map([...sessions].map((session) => [session, new Map()]));
  }

  /** Takes up what a folder has of the sessions. */
  add(folder: SegmentFolder): void {
    for (const ending of [segmentEndings.bin, segmentEndings.binPart]) {
      for (const stem of stemsWith(ending, folder)) {
        const { session, index } = parseStem(stem);
        this.#paths.get(session)?.set(index, join(folder.path, `${stem}${ending}`));
      }
    }
  }

  pathOf(session: string, index: number): string | undefined {
    return this.#paths.get(session)?.get(index);
  }

  /** Of the segments that were opened after the one with `index`. */
  after(session: string, index: number): readonly string[] {
    const paths = [...(this.#paths.get(session) ?? [])];
    return paths.filter(([otherIndex]) => otherIndex > index).map(([, path]) => path);
  }
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

/**
 * Removes parts whose segment is finished or gone: what they were to become is derived again where it is missing. [S-3.2]
 *
 * @returns sessions of frames that are left because nothing tells how to read them
 */
export async function removeOrphanedParts(folder: SegmentFolder, log: Log): Promise<readonly string[]> {
  const leftSessions: string[] = [];
  const isOrphan = (stem: string) => !folder.names.has(`${stem}${segmentEndings.open}`);
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart]) {
    for (const stem of stemsWith(ending, folder).filter(isOrphan))
      await removeFile(join(folder.path, `${stem}${ending}`));
  }
  for (const stem of stemsWith(segmentEndings.binPart, folder).filter(isOrphan)) {
    const path = join(folder.path, `${stem}${segmentEndings.binPart}`);
    if (!existsSync(path)) continue;
    leftSessions.push(parseStem(stem).session);
    log.warn({ path }, "frames without .open.json: `eet wav` reads them with the format given");
  }
  return leftSessions;
}
