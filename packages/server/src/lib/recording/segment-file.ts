import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { AppendFile } from "../storage/append-file-store.ts";
import { syncFolder, writeFileSynced } from "../storage/durable-file-store.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";

/**
 * The `.bin.part` of an open segment with its `.open.json`: one descriptor, append only. [S-1.1] [S-2.1]
 *
 * `.open.json` is there before the first frame is, so that frames without their format never stand on disk.
 */
export class SegmentFile {
  readonly #file: AppendFile;
  /** Folders whose entries are not durable yet, innermost first. */
  #unsyncedFolders: readonly string[];
  readonly #logNumber: number;
  readonly #frameLog: FrameLog;

  private constructor(file: AppendFile, folders: readonly string[], logNumber: number, frameLog: FrameLog) {
    this.#file = file;
    this.#unsyncedFolders = folders;
    this.#logNumber = logNumber;
    this.#frameLog = frameLog;
  }

  /** @param receivedPath - `data/received` */
  static async open(receivedPath: string, opening: SegmentOpening, frameLog: FrameLog): Promise<SegmentFile> {
    const basePath = join(receivedPath, opening.folder, opening.name);
    const folderPath = dirname(basePath);
    const firstCreated = await mkdir(folderPath, { recursive: true });
    await writeFileSynced(`${basePath}${segmentEndings.open}`, JSON.stringify(opening));
    const file = await AppendFile.open(`${basePath}${segmentEndings.binPart}`);
    return new SegmentFile(file, foldersUpTo(folderPath, firstCreated), opening.logNumber, frameLog);
  }

  /** Hands frames to the system and their CRC to the frame log. */
  async write(slices: readonly Uint8Array[], offset: number): Promise<void> {
    this.#frameLog.recordWritten(this.#logNumber, offset, slices);
    await this.#file.write(slices, offset);
  }

  /**
   * Makes everything before `offset` durable, the file's name included. [S-2.2]
   *
   * @returns when the frame log knows it too: only then a power cut keeps it
   */
  async sync(offset: number): Promise<void> {
    await this.#file.sync();
    for (const folder of this.#unsyncedFolders) await syncFolder(folder);
    this.#unsyncedFolders = [];
    this.#frameLog.recordSynced(this.#logNumber, offset);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The folder, and where folders had to be made for it, all up to the one that holds the outermost of them. */
function foldersUpTo(folder: string, firstCreated: string | undefined): string[] {
  const folders = [folder];
  if (firstCreated === undefined) return folders;
  const last = dirname(firstCreated);
  for (let at = folder; at !== last && at !== dirname(at); at = dirname(at)) folders.push(dirname(at));
  return folders;
}
