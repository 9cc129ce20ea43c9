import { access } from "node:fs/promises";
import { join } from "node:path";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { AppendFile } from "../storage/append-file-store.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import type { SegmentFolders } from "../storage/segment-folder-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";

/** What all segment files of a recorder share. */
export interface SegmentFileContext {
  /** `data/received`, which exists. */
  readonly receivedPath: string;
  readonly folders: SegmentFolders;
  readonly frameLog: FrameLog;
}

/**
 * The `.bin.part` of an open segment with its `.open.json`: one descriptor, append only. [S-1.1] [S-2.1]
 *
 * `.open.json` is durable before the `.bin.part` is made, so that frames without their format never stand on disk.
 */
export class SegmentFile {
  readonly #file: AppendFile;
  readonly #opening: SegmentOpening;
  readonly #context: SegmentFileContext;
  #areNamesDurable = false;

  private constructor(file: AppendFile, opening: SegmentOpening, context: SegmentFileContext) {
    this.#file = file;
    this.#opening = opening;
    this.#context = context;
  }

  static async open(opening: SegmentOpening, context: SegmentFileContext): Promise<SegmentFile> {
    const basePath = join(context.receivedPath, opening.folder, opening.name);
    await assertNew(basePath);
    await context.folders.within(opening.folder, () =>
      AppendFile.writeSynced(`${basePath}${segmentEndings.open}`, JSON.stringify(opening)),
    );
    const file = await AppendFile.open(`${basePath}${segmentEndings.binPart}`);
    return new SegmentFile(file, opening, context);
  }

  /** Hands frames to the system and their CRC to the frame log. */
  async write(slices: readonly Uint8Array[], offset: number): Promise<void> {
    await this.#file.write(slices, offset);
    this.#context.frameLog.recordWritten(this.#opening.logNumber, offset, slices);
  }

  /**
   * Makes everything before `offset` durable, the file's name included. [S-2.2] The frame log learns of it; after a
   * power cut the frames are believed from the log's next commit on.
   */
  async sync(offset: number): Promise<void> {
    const names = this.#syncNames();
    // The file's error counts first: names can be synced again, a file whose sync failed cannot. [S-2.4]
    names.catch(() => {});
    await this.#file.sync();
    await names;
    this.#context.frameLog.recordSynced(this.#opening.logNumber, offset);
  }

  async #syncNames(): Promise<void> {
    if (this.#areNamesDurable) return;
    await this.#context.folders.sync(this.#opening.folder);
    this.#areNamesDurable = true;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * A catalogue from a backup may not know the session's last segments: they must not be written over. Looked up without waiting:
 * where the disk stands still the other devices' frames are taken all the same.
 */
async function assertNew(basePath: string): Promise<void> {
  const endings = [segmentEndings.binPart, segmentEndings.bin, segmentEndings.json];
  await Promise.all(endings.map((ending) => assertMissing(`${basePath}${ending}`)));
}

async function assertMissing(path: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  throw new StorageError("STORAGE_IO", `${path} is there already: it is left as it is`);
}
