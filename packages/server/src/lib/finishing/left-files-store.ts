import fs from "node:fs";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { syncFolder } from "../storage/durable-file-store.ts";
import { writeAgain } from "./write-again-store.ts";

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
    const bin = unsyncedFromByte === undefined ? undefined : secureBin(binPath, unsyncedFromByte, segment.binBytes);
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

const syncFile = promisify(fs.fsync);
/** What is written again before others have their turn; as a rule it is less, about what came between two flushes. */
const turnBytes = 256 * 1024;

/**
 * Only the sync is waited for elsewhere: the bytes were written shortly before the end of the earlier run and as a rule just
 * looked at, so the system has them in memory, and a trip to another thread for each call would cost more than all of them.
 */
async function secureBin(path: string, fromByte: number, toByte: number): Promise<void> {
  const fd = fs.openSync(path, "r+");
  try {
    for (let at = fromByte; at < toByte; at += turnBytes) {
      if (at > fromByte) await nextTurn();
      writeAgain(fd, at, Math.min(at + turnBytes, toByte));
    }
    await syncFile(fd);
  } finally {
    fs.closeSync(fd);
  }
}
