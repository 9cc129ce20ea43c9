import { open, statfs } from "node:fs/promises";
import { join } from "node:path";
import { removeFile } from "./durable-file-store.ts";

const MiB = 1024 * 1024;
const reserveBytes = 64 * MiB;

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
 */
export class DiskReserve {
  readonly #path: string;
  #isHeld = false;

  constructor(dataFolder: string) {
    this.#path = join(dataFolder, "reserve.bin");
  }

  /** Takes the reserve when it is not held and the disk is roomy. */
  async hold(space: DiskSpace): Promise<void> {
    if (this.#isHeld || diskState(space) !== "ok") return;
    this.#isHeld = true;
    const file = await open(this.#path, "w");
    try {
      // Random-looking content is not needed: zeros take real blocks unless the file is made by truncate.
      const block = Buffer.alloc(MiB);
      for (let at = 0; at < reserveBytes; at += MiB) await file.write(block, 0, MiB, at);
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
