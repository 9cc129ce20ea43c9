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

  /** @param receivedPath - `data/received`, which exists */
  static async open(receivedPath: string, opening: SegmentOpening, frameLog: FrameLog): Promise<SegmentFile> {
    const basePath = join(receivedPath, opening.folder, opening.name);
    await mkdir(dirname(basePath), { recursive: true });
    await writeFileSynced(`${basePath}${segmentEndings.open}`, JSON.stringify(opening));
    const file = await AppendFile.open(`${basePath}${segmentEndings.binPart}`);
    return new SegmentFile(file, foldersOf(receivedPath, opening.folder), opening.logNumber, frameLog);
  }

  /** Hands frames to the system and their CRC to the frame log. */
  async write(slices: readonly Uint8Array[], offset: number): Promise<void> {
    await this.#file.write(slices, offset);
    this.#frameLog.recordWritten(this.#logNumber, offset, slices);
  }

  /**
   * Makes everything before `offset` durable, the file's name included. [S-2.2] The frame log learns of it; after a
   * power cut the frames are believed from the log's next commit on.
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

/**
 * All folders from the segment's up to the root. Whoever made them, another segment maybe, may not have come to sync
 * their names yet.
 */
function foldersOf(receivedPath: string, folder: string): string[] {
  if (folder === "") return [receivedPath];
  const parent = folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
  return [join(receivedPath, folder), ...foldersOf(receivedPath, parent)];
}
