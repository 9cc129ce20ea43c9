import { once } from "node:events";
import { statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import { CommandError } from "../command-error.ts";

/** Where exported audio goes. */
export interface ExportTarget {
  /** Resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
  /** All is there. */
  finish(): Promise<void>;
  /** Leaves nothing behind. Idempotent, also after `finish`. */
  abandon(): Promise<void>;
}

/**
 * A file that comes to stand under its name only when it is whole: `{path}.part` until then.
 *
 * @throws CommandError when it is there already, unless `isForced`; when it is a folder, or its folder is not there
 */
export async function openExportFile(path: string, isForced: boolean): Promise<ExportTarget> {
  const place = statSync(path, { throwIfNoEntry: false });
  if (place?.isDirectory()) throw new CommandError(`${path} is a folder; name a file in it with -o`);
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CommandError(`${dirname(path)} is no folder; make it first, or name another file with -o`);
  if (!isForced && place !== undefined)
    throw new CommandError(`${path} is there already; write over it with --force, or name another file with -o`);
  const partPath = `${path}.part`;
  const file = await open(partPath, "w");
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    write: (bytes) => file.writeFile(bytes),
    finish: async () => {
      await file.sync();
      await close();
      await rename(partPath, path);
    },
    abandon: async () => {
      await close();
      await rm(partPath, { force: true });
    },
  };
}

/** Standard output, as fast as its reader takes it. */
export function createExportStream(output: Writable): ExportTarget {
  return {
    write: async (bytes) => {
      if (output.destroyed) throw new CommandError("the reader of standard output has gone");
      if (!output.write(bytes)) await Promise.race([once(output, "drain"), once(output, "close")]);
    },
    finish: async () => {},
    abandon: async () => {},
  };
}
