import { randomBytes } from "node:crypto";
import { open, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { removeFile } from "./durable-file-store.ts";

const MiB = 1024 * 1024;
/** What is held back on a roomy disk. */
export const reserveBytes = 64 * MiB;

/** `ok`; `soft`: make room, derive no WAVs; `hard`: take no new streams. [S-2.5] */
export type DiskState = "ok" | "soft" | "hard";

/** Free bytes below which a disk enters a state. */
export interface DiskMarks {
  readonly softBytes: number;
  readonly hardBytes: number;
}

/** Room on the disk that holds a folder. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * Marks for a disk of a given size: soft 10 % or 2 GiB, hard 512 MiB; on disks so small that these would meet, hard
 * is a quarter of soft. [S-2.5]
 */
export function marksForDisk(totalBytes: number): DiskMarks {
  const softBytes = Math.min(totalBytes / 10, 2048 * MiB);
  return { softBytes, hardBytes: Math.min(512 * MiB, softBytes / 4) };
}

/** State of a disk. */
export function diskState(space: DiskSpace): DiskState {
  const marks = marksForDisk(space.totalBytes);
  if (space.freeBytes < marks.hardBytes) return "hard";
  return space.freeBytes < marks.softBytes ? "soft" : "ok";
}

/** Asks the system. */
export async function readDiskSpace(folder: string): Promise<DiskSpace> {
  const { bsize, bavail, blocks } = await statfs(folder);
  return { freeBytes: bsize * bavail, totalBytes: bsize * blocks };
}

/**
 * A block of disk held back so that open segments can be finished on a full disk. [S-2.5]
 *
 * One operation runs at a time: the caller sees to it.
 */
export class DiskReserve {
  readonly #path: string;
  #isHeld = false;

  constructor(dataFolder: string) {
    this.#path = join(dataFolder, "reserve.bin");
  }

  /** True while the block stands on the disk. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Takes the reserve when it is not held and the disk is roomy. */
  async hold(space: DiskSpace): Promise<void> {
    if (this.#isHeld || diskState(space) !== "ok") return;
    if (!(await this.#isThere())) await this.#write();
    this.#isHeld = true;
  }

  /** True when an earlier run has left it: it is written from front to back, so its size tells that it is whole. */
  async #isThere(): Promise<boolean> {
    const facts = await stat(this.#path).catch(() => undefined);
    return facts?.size === reserveBytes;
  }

  async #write(): Promise<void> {
    const file = await open(this.#path, "w");
    try {
      // Random, since a file system that compresses gives no room to zeros.
      const block = randomBytes(MiB);
      for (let at = 0; at < reserveBytes; at += MiB) await file.writeFile(block);
    } catch (error) {
      await this.release();
      throw error;
    } finally {
      await file.close();
    }
  }

  /** Gives the space to whoever needs it now. */
  async release(): Promise<void> {
    this.#isHeld = false;
    await removeFile(this.#path);
  }
}
