import { stat } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../kernel/errors.ts";
import { type Finding, warning } from "./finding.ts";

/** Read or write, for those who are neither the owner nor of the group. */
const othersMode = 0o006;

/** Looks whether others may read the settings files of a folder, in which keys stand. */
export async function checkConfigFiles(folder: string): Promise<readonly Finding[]> {
  // Windows has no such rights.
  if (process.platform === "win32") return [];
  const findings = await Promise.all([".env", "appsettings.json"].map((name) => checkFile(join(folder, name))));
  return findings.flat();
}

async function checkFile(path: string): Promise<readonly Finding[]> {
  try {
    const { mode } = await stat(path);
    if ((mode & othersMode) === 0) return [];
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
  const message = `everybody on this machine may read or write ${path}, where keys may stand`;
  return [
    warning("settings", message, "Take that right: chmod 640, with the server's user as its owner or in its group."),
  ];
}
