import { setImmediate as nextTurn } from "node:timers/promises";
import { StorageError } from "../kernel/errors.ts";
import { withCatalogErrors } from "./catalog-error.ts";
import type { CatalogFile } from "./catalog-file-store.ts";

/** Rows of the queue of deliveries that one slice looks at: some 10 ms. */
export const sliceRowCount = 250;

/**
 * Runs a change of any size slice by slice, each in a transaction, with the process free in between.
 *
 * @param runSlice - changes one slice and gives its count; `undefined` when there is no more
 * @param whatIsLeft - what to do about the rest when the catalogue is closed meanwhile
 * @returns the sum of the counts
 * @throws StorageError `SHUTTING_DOWN` when the catalogue is closed meanwhile
 */
export async function runInSlices(
  { path, sqlite }: CatalogFile,
  runSlice: () => number | undefined,
  whatIsLeft: string,
): Promise<number> {
  for (let sum = 0; ; ) {
    const count = withCatalogErrors(path, () => sqlite.transaction(runSlice).immediate());
    if (count === undefined) return sum;
    sum += count;
    await nextTurn();
    if (!sqlite.open) throw new StorageError("SHUTTING_DOWN", `the catalogue ${path} is closed; ${whatIsLeft}`);
  }
}
