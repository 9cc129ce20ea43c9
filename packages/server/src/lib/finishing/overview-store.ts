import fs from "node:fs";
import { dirname, join } from "node:path";
import type { Overview } from "@eet/audio";
import { systemErrorCode } from "../kernel/errors.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { formatOverview, parseOverview } from "./overview-format.ts";

/** Path of a segment's overview. */
export function overviewFilePath(overviewPath: string, { folder, name }: Pick<SegmentOpening, "folder" | "name">) {
  return join(overviewPath, folder, `${name}.overview`);
}

/**
 * Writes an overview where that is possible. It is never synced and its failure is none: its checksum tells what is
 * whole, and what is not is measured again when somebody looks at it.
 *
 * @returns its bytes; `undefined` when it was not written
 */
export function tryToWriteOverview(path: string, overview: Overview): number | undefined {
  try {
    const bytes = formatOverview(overview);
    writeWithFolder(path, bytes);
    return bytes.byteLength;
  } catch {
    return undefined;
  }
}

/** As a rule the folder is there. */
function writeWithFolder(path: string, bytes: Uint8Array): void {
  try {
    fs.writeFileSync(path, bytes);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, bytes);
  }
}

/** @returns `undefined` when it is missing, damaged or of another version */
export async function readOverview(path: string): Promise<Overview | undefined> {
  try {
    return parseOverview(await fs.promises.readFile(path));
  } catch {
    return undefined;
  }
}
