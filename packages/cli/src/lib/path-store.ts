import { existsSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "./command-error.ts";

/** @throws {@link CommandError} unless a file is there */
export function requireFile(path: string): void {
  if (!existsSync(path)) throw new CommandError(`${path} does not exist; give the path of a .bin file`);
  if (statSync(path).isDirectory()) throw new CommandError(`${path} is a folder; give the path of a .bin file in it`);
}

/** @throws {@link CommandError} unless a folder is there */
export function requireFolder(path: string): void {
  if (!existsSync(path)) throw new CommandError(`${path} does not exist; give the path of a folder with recordings`);
  if (!statSync(path).isDirectory()) throw new CommandError(`${path} is a file; give the path of the folder it is in`);
}

/** @throws {@link CommandError} unless a server has recorded to this data folder */
export function requireDataFolder(path: string): void {
  if (existsSync(join(path, "received"))) return;
  throw new CommandError(`${path} is no data folder, it has no received/ in it; name the right one with --data`);
}

/** @throws {@link CommandError} when something is there */
export function requireNothing(path: string): void {
  if (!existsSync(path)) return;
  throw new CommandError(`${path} is there already; write over it with --force, or name another file with --output`);
}

/**
 * Lets `write` make a file under another name, which becomes `path` once it is whole: nobody must take half a file for one.
 *
 * @throws whatever `write` throws; nothing of the file is left then
 */
export async function writeWhole<T>(path: string, write: (partPath: string) => Promise<T>): Promise<T> {
  const partPath = `${path}.part`;
  try {
    const result = await write(partPath);
    await rename(partPath, path);
    return result;
  } catch (error) {
    await rm(partPath, { force: true });
    throw error;
  }
}
