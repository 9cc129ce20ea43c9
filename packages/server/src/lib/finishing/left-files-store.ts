import fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { syncFolder } from "../storage/durable-file-store.ts";

/** What is held of a file that is written again. */
const rewriteBlockBytes = 256 * 1024;

/**
 * Makes durable what a crash left, many files at a time, so that their syncs go to the disk together: the frames of each
 * segment, and once for all the folders above them, which may have been made and not synced. [S-3.1]
 */
export class LeftFiles {
  readonly #receivedPath: string;
  /** By path; each is synced once. */
  readonly #folders = new Map<string, Promise<void>>();

  /** @param receivedPath - `data/received`, whose own name is durable */
  constructor(receivedPath: string) {
    this.#receivedPath = receivedPath;
  }

  /**
   * @param binPath - of the segment, below `data/received`
   * @returns the segment, of which nothing is left to be synced
   * @throws the system's error; all of it can be done again
   */
  async secure(segment: ClosedSegment, binPath: string): Promise<ClosedSegment> {
    const { unsyncedFromByte, ...secured } = segment;
    const bin = unsyncedFromByte === undefined ? undefined : writeAgain(binPath, unsyncedFromByte, segment.binBytes);
    await Promise.all([bin, this.#syncAbove(binPath)]);
    return secured;
  }

  /** Whoever made the folders may have died before they were synced. */
  async #syncAbove(path: string): Promise<void> {
    const folder = dirname(path);
    const syncing = this.#folders.get(folder) ?? syncFolder(folder);
    this.#folders.set(folder, syncing);
    await Promise.all([syncing, folder === this.#receivedPath ? undefined : this.#syncAbove(folder)]);
  }
}

/** Descriptors without a `FileHandle` around them, which costs several times as much. */
const openFile = promisify(fs.open);
const readFile = promisify(fs.read);
const writeFile = promisify(fs.write);
const syncFile = promisify(fs.fsync);

/** After a sync that failed the system takes what it dropped for stored: another sync alone would store nothing. [S-2.4] */
async function writeAgain(path: string, fromByte: number, toByte: number): Promise<void> {
  const fd = await openFile(path, "r+");
  try {
    const block = Buffer.allocUnsafe(Math.max(0, Math.min(rewriteBlockBytes, toByte - fromByte)));
    for (let at = fromByte; at < toByte; ) {
      const { bytesRead } = await readFile(fd, block, 0, Math.min(block.byteLength, toByte - at), at);
      if (bytesRead === 0) break;
      for (let written = 0; written < bytesRead; ) {
        const rest = await writeFile(fd, block, written, bytesRead - written, at + written);
        written += rest.bytesWritten;
      }
      at += bytesRead;
    }
    await syncFile(fd);
  } finally {
    // Nobody waits for it: there is nothing left to fail.
    fs.close(fd, () => {});
  }
}
