import fs from "node:fs";
import { promisify } from "node:util";

/** Work that yields descriptors of files and folders that have to be on stable storage before it goes on. */
export type SyncingSteps<T> = Generator<readonly number[], T, void>;

const syncFile = promisify(fs.fsync);

/**
 * Runs the steps to their end, and waits for the disk at each.
 *
 * @throws what the steps throw; a sync that fails is thrown into them
 */
export function runSyncing<T>(steps: SyncingSteps<T>): T {
  for (let step = steps.next(); ; ) {
    if (step.done) return step.value;
    const failure = captureSync(step.value);
    step = failure === undefined ? steps.next() : steps.throw(failure.error);
  }
}

/**
 * As {@link runSyncing}, but others may go on while the disk has something to do; what a step yields is synced side by side.
 *
 * @param sync - default: `fsync`
 */
export async function runSyncingMeanwhile<T>(
  steps: SyncingSteps<T>,
  sync: (descriptor: number) => Promise<void> = syncFile,
): Promise<T> {
  for (let step = steps.next(); ; ) {
    if (step.done) return step.value;
    // Each is waited for: a descriptor that is closed while it is synced may be another file's by then.
    const results = await Promise.allSettled(step.value.map((descriptor) => sync(descriptor)));
    const failed = results.find((result) => result.status === "rejected");
    step = failed === undefined ? steps.next() : steps.throw(failed.reason);
  }
}

/** Syncs folders, so that the names in them stay. Windows cannot. */
export function* syncFolders(paths: readonly string[]): SyncingSteps<void> {
  if (process.platform === "win32") return;
  const descriptors: number[] = [];
  try {
    for (const path of paths) descriptors.push(fs.openSync(path, "r"));
    yield descriptors;
  } finally {
    for (const descriptor of descriptors) fs.closeSync(descriptor);
  }
}

function captureSync(descriptors: readonly number[]): { readonly error: unknown } | undefined {
  try {
    for (const descriptor of descriptors) fs.fsyncSync(descriptor);
    return undefined;
  } catch (error) {
    return { error };
  }
}
