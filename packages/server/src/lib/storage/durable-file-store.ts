import fs from "node:fs";

/**
 * Makes the names in a folder durable: created, renamed and removed files. File systems that cannot sync a folder
 * (Windows) are left as they are.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fs.promises.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** As {@link syncFolder}, for worker threads, where nothing else waits. */
export function syncFolderSync(folder: string): void {
  if (process.platform === "win32") return;
  const fd = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes a whole file and syncs its content; the name is durable only after the folder's sync. */
export async function writeFileSynced(path: string, content: string): Promise<void> {
  await fs.promises.writeFile(path, content, { flush: true });
}

/** Removes a file; one that is gone already is fine. */
export async function removeFile(path: string): Promise<void> {
  await fs.promises.rm(path, { force: true });
}
