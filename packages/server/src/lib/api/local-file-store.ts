import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import type { Readable } from "node:stream";
import { systemErrorCode } from "../kernel/errors.ts";
import type { ByteRange } from "../kernel/object-reader.ts";

/** What a missing file looks like, and one that lies behind a symbolic link. */
const absentCodes: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** A file that is open for reading. */
export interface LocalFile {
  readonly sizeBytes: number;
  /** To be called once; the stream closes the file when it ends or is destroyed. */
  read(range: ByteRange): Readable;
  /** For a file that is not read after all. */
  close(): Promise<void>;
}

/**
 * Opens a file below a folder.
 *
 * @param path - relative to it, as the catalogue has it
 * @returns `undefined` when there is none, when it is no regular file, and when a symbolic link leads to it: only the
 *   folder itself may be one
 */
export async function openLocalFile(root: string, path: string): Promise<LocalFile | undefined> {
  try {
    const [realRoot, realFile] = await Promise.all([realpath(root), realpath(join(root, path))]);
    if (realFile !== join(realRoot, path) || !isInside(realRoot, realFile)) return undefined;
    // Not to wait for a writer if it is a pipe.
    const file = await open(realFile, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return await describe(file);
  } catch (error) {
    if (absentCodes.has(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}

async function describe(file: FileHandle): Promise<LocalFile | undefined> {
  const facts = await file.stat();
  if (!facts.isFile()) {
    await file.close();
    return undefined;
  }
  return {
    sizeBytes: facts.size,
    read: ({ start, end }) => file.createReadStream({ start, end: end - 1 }),
    close: () => file.close(),
  };
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
